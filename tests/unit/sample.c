/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two projects for a host. */
#include "sample.h"

#define AT "'created_at':'" SAMPLE_TIME "','updated_at':'" SAMPLE_TIME "'"

static const struct {
	const char *path, *json;
} held[] = {
	{ "/me", "{'id':101,'name':'Ann Lee','username':'ann','api_token':'hidden',"
		 "'projects':[{'id':201,'project_id':99,'project_name':'Shed'}]," AT "}" },
	{ "/projects",
		"[{'id':99,'kind':'project','name':'Shed','version':10,'public':false," AT "},"
		"{'id':100,'kind':'project','name':'Other','version':3," AT "}]" },
	{ "/projects/99/memberships",
		"[{'id':201,'project_id':99,'role':'owner','person':{'kind':'person','id':101,"
		"'name':'Ann Lee','email':'ann@example.org','initials':'AL','username':'ann'}," AT
		"},"
		"{'id':202,'project_id':99,'role':'member','person':{'kind':'person','id':102,"
		"'name':'Ann Lee','email':'lee@example.org','initials':'AL','username':'lee'}," AT
		"},"
		"{'id':203,'project_id':99,'role':'viewer','person':{'kind':'person','id':103,"
		"'name':'Bo','email':'bo@example.org','initials':'B','username':'bo'}," AT "}]" },
	{ "/projects/99/labels", "[{'id':301,'project_id':99,'name':'red'," AT "},"
				 "{'id':302,'project_id':99,'name':'blue'," AT "}]" },
	{ "/projects/99/stories",
		"[{'id':501,'project_id':99,'name':'Paint it','description':'All of\\nit','estimate':2,"
		"'story_type':'feature','current_state':'started','requested_by_id':103,"
		"'owner_ids':[103,101],'labels':[{'id':302,'project_id':99,'name':'blue'},{'id':301,"
		"'project_id':99,'name':'red'}],'url':'https://example.org/501'," AT
		",'comments':[{'id':601,'story_id':501,'text':'Yes','person_id':101," AT
		"},{'id':602,'story_id':501,'text':'No','person_id':999," AT
		"}],'tasks':[{'id':701,'story_id':501,'description':'Buy paint','complete':false,"
		"'position':1," AT
		"},{'id':702,'story_id':501,'description':'Stir','complete':true,'position':2," AT
		"}],'blockers':[{'id':751,'story_id':501,'description':'No paint','person_id':101,"
		"'resolved':false," AT "}],'reviews':[{'id':761,'story_id':501,'review_type_id':1,"
		"'reviewer_id':103,'status':'unstarted'," AT "}]},"
		"{'id':502,'project_id':99,'name':'Roof','story_type':'bug','current_state':'unstarted',"
		"'requested_by_id':101,'owner_ids':[],'labels':[]," AT
		",'comments':[{'id':603,'story_id':502,'text':'Hm','person_id':103," AT
		"}],'tasks':[]},"
		"{'id':503,'project_id':99,'name':'Door','story_type':'chore','current_state':"
		"'unscheduled','owner_ids':[102],'labels':[]," AT ",'comments':[],'tasks':[]},"
		"{'id':504,'project_id':99,'name':'Bench','story_type':'feature','current_state':"
		"'accepted','estimate':0.5,'owner_ids':[],'labels':[]," AT
		",'comments':[],'tasks':[]},"
		"{'id':505,'project_id':99,'name':'Done','story_type':'release','current_state':"
		"'unstarted','owner_ids':[],'labels':[],'deadline':'2024-06-01T12:00:00Z'," AT
		",'comments':[],'tasks':[]}]" },
	{ "/projects/99/epics",
		"[{'id':401,'project_id':99,'name':'Outside','label':{'id':301,'project_id':99,"
		"'name':'red'}," AT
		",'comments':[{'id':604,'epic_id':401,'text':'Soon','person_id':103," AT "}]},"
		"{'id':402,'project_id':99,'name':'Inside'," AT ",'comments':[]}]" },
	{ "/projects/99/my/searches", "[]" },
	{ "/projects/99/iterations", "[{'number':1,'project_id':99,'story_ids':[501]}]" },
	{ "/projects/100/my/searches", "[]" },
	{ "/projects/100/iterations", "[]" },
	{ "/projects/100/memberships", "[]" },
	{ "/projects/100/labels", "[]" },
	{ "/projects/100/stories", "[]" },
	{ "/projects/100/epics", "[]" },
};

void sample_init(struct host *h)
{
	host_init(h);
	for (size_t i = 0; i < sizeof(held) / sizeof(*held); i++)
		host_set(h, held[i].path, held[i].json);
}

struct store *sample_store(struct host *h, int refresh_s)
{
	struct api_config config = { .base_path = HOST_BASE, .page_limit = 2 };

	return store_new(
		api_new(&h->base, &config), &(struct store_config){ .refresh_s = refresh_s });
}
