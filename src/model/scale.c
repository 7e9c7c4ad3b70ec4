/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Point scales. */
#include "storyfs/scale.h"

#include <math.h>
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/parse.h"
#include "storyfs/scope.h"

enum { MAX_POINTS = 12, MAX_POINT = 999, TOO_MANY = 64 };

struct scale {
	int n; /* -1: not numbers */
	double points[TOO_MANY];
};

static struct scale read_scale(const char *text)
{
	scoped(free_ptr) char *copy = xstrdup(text);
	char *rest = copy, *word;
	struct scale s = { 0 };

	while ((word = strsep(&rest, ",")) && s.n < TOO_MANY) {
		while (*word == ' ')
			word++;
		if (!parse_float(word, &s.points[s.n++])) {
			s.n = -1;
			return s;
		}
	}
	return s;
}

bool scale_has(const char *text, double points)
{
	struct scale s = read_scale(text);

	for (int i = 0; i < s.n; i++) {
		if (!(s.points[i] < points) && !(s.points[i] > points))
			return true;
	}
	return false;
}

double scale_nearest(const char *text, double points)
{
	struct scale s = read_scale(text);
	double nearest = points, least = HUGE_VAL;

	for (int i = 0; i < s.n; i++) {
		double far = fabs(s.points[i] - points);

		if (far <= least) {
			least = far;
			nearest = s.points[i];
		}
	}
	return nearest;
}

bool scale_is_custom(const char *text)
{
	static const char *const offered[] = { "0,1,2,3", "0,1,2,4,8", "0,1,2,3,5,8" };

	for (size_t i = 0; i < sizeof(offered) / sizeof(*offered); i++) {
		if (strcmp(offered[i], text) == 0)
			return false;
	}
	return true;
}

const char *scale_problem(const char *text)
{
	struct scale s = read_scale(text);

	if (s.n < 1)
		return "This is not a valid custom point scale.";
	if (s.n > MAX_POINTS)
		return "There are too many values in this point scale. Please use 12 or fewer "
		       "values.";
	for (int i = 0; i < s.n; i++) {
		if (s.points[i] < 0)
			return "You can't use negative values for points.";
		if (s.points[i] > MAX_POINT)
			return "You can't have point values above 999";
	}
	for (int i = 1; i < s.n; i++) {
		if (!(s.points[i] > s.points[i - 1]) && !(s.points[i] < s.points[i - 1]))
			return "You can't have duplicate point values.";
		if (s.points[i] < s.points[i - 1])
			return "Point values must be provided in ascending order.";
	}
	return NULL;
}
