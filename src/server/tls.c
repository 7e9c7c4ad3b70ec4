/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Certificates by GnuTLS. A handshake borrows what it is given, so a pair that was replaced lives
 * on until the end.
 */
#include "tls.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "storyfs/alloc.h"
#include "storyfs/file.h"
#include "storyfs/text.h"

enum {
	MOST_CERTS = 16, /* of a chain */
	MOST_BYTES = 1 << 20,
};

struct pair {
	struct pair *former;
	gnutls_pcert_st certs[MOST_CERTS];
	unsigned n_certs;
	gnutls_privkey_t key;
};

/* Guards current; a pair never changes. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct pair *current;

static void pair_free(struct pair *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->n_certs; i++)
		gnutls_pcert_deinit(&p->certs[i]);
	gnutls_privkey_deinit(p->key);
	free(p);
}

SCOPED_PTR(struct pair, pair_free);

static int refuse(const char *file, const char *why, int error, struct buf *ret_reason)
{
	buf_add_fmt(ret_reason, "%s: %s", file, why);
	return -error;
}

/* ---- files ---- */

static int read_pem(const char *file, struct buf *ret, struct buf *ret_reason)
{
	int r = file_read(file, MOST_BYTES, ret);

	return r < 0 ? refuse(file, text_errno(r), -r, ret_reason) : 0;
}

static int load_certs(const char *file, struct pair *p, struct buf *ret_reason)
{
	scoped(buf_fini) struct buf pem = BUF_INIT;
	unsigned n = MOST_CERTS;
	int r = read_pem(file, &pem, ret_reason);

	if (r < 0)
		return r;
	gnutls_datum_t datum = { (unsigned char *)pem.data, (unsigned)pem.len };
	int g = gnutls_pcert_list_import_x509_raw(p->certs, &n, &datum, GNUTLS_X509_FMT_PEM, 0);

	if (g < 0)
		return refuse(file, gnutls_strerror(g), EBADMSG, ret_reason);
	p->n_certs = n;
	return 0;
}

/* A key that others may read is no secret any more. */
static int check_mode(const char *file, struct buf *ret_reason)
{
	struct stat st;

	if (stat(file, &st) < 0)
		return refuse(file, text_errno(errno), errno, ret_reason);
	if (st.st_mode & S_IRWXO)
		return refuse(file, "others may read the key or write to it; run: chmod o= on it",
			EACCES, ret_reason);
	return 0;
}

static int load_key(const char *file, struct pair *p, struct buf *ret_reason)
{
	scoped(buf_fini) struct buf pem = BUF_INIT;
	int r = check_mode(file, ret_reason);

	if (r == 0)
		r = read_pem(file, &pem, ret_reason);
	if (r < 0)
		return r;
	gnutls_datum_t datum = { (unsigned char *)pem.data, (unsigned)pem.len };
	int g = gnutls_privkey_init(&p->key);

	if (g >= 0)
		g = gnutls_privkey_import_x509_raw(p->key, &datum, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (pem.data)
		explicit_bzero(pem.data, pem.len);
	return g < 0 ? refuse(file, gnutls_strerror(g), EBADMSG, ret_reason) : 0;
}

/* Do the certificate and the key belong together? */
static bool match(const struct pair *p)
{
	unsigned char a[64], b[64];
	size_t a_len = sizeof(a), b_len = sizeof(b);
	gnutls_pubkey_t pubkey;

	if (gnutls_pubkey_init(&pubkey) < 0)
		return false;
	bool same = gnutls_pubkey_import_privkey(pubkey, p->key, 0, 0) >= 0 &&
		    gnutls_pubkey_get_key_id(pubkey, 0, a, &a_len) >= 0 &&
		    gnutls_pubkey_get_key_id(p->certs[0].pubkey, 0, b, &b_len) >= 0 &&
		    a_len == b_len && memcmp(a, b, a_len) == 0;

	gnutls_pubkey_deinit(pubkey);
	return same;
}

/* ---- the pair in use ---- */

int tls_load(const char *cert_file, const char *key_file, struct buf *ret_reason)
{
	scoped(pair_free) struct pair *p = xcalloc(1, sizeof(*p));
	int r = load_certs(cert_file, p, ret_reason);

	if (r == 0)
		r = load_key(key_file, p, ret_reason);
	if (r < 0)
		return r;
	if (!match(p))
		return refuse(key_file, "is not the key of the certificate", EBADMSG, ret_reason);
	lock_scope(&lock);
	p->former = current;
	current = take_ptr(p);
	return 0;
}

void tls_unload(void)
{
	lock_scope(&lock);
	while (current) {
		struct pair *p = current;

		current = p->former;
		pair_free(p);
	}
}

/* NOLINTNEXTLINE(readability-function-size): the signature is GnuTLS's */
static int give_pair(gnutls_session_t session, const gnutls_datum_t *req_ca_rdn, int nreqs,
	const gnutls_pk_algorithm_t *pk_algos, int pk_algos_length, gnutls_pcert_st **ret_certs,
	unsigned *ret_n, gnutls_privkey_t *ret_key)
{
	(void)session;
	(void)req_ca_rdn;
	(void)nreqs;
	(void)pk_algos;
	(void)pk_algos_length;
	lock_scope(&lock);
	if (!current)
		return -1;
	*ret_certs = current->certs;
	*ret_n = current->n_certs;
	*ret_key = current->key;
	return 0;
}

void *tls_callback(void)
{
	return (void *)give_pair;
}
