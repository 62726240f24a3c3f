/* api.h - REST under /api/v1, the pages, health and metrics: the routes that people and programs
 * use. */
#ifndef SB_API_API_H
#define SB_API_API_H

#include "config/config.h"
#include "core/core.h"
#include "net/http_server.h"

struct api;
struct media;
struct oidc;
struct vault;

struct api_options {
    struct core *core;
    struct store *store;
    struct users *users;
    struct media *media;
    struct http_server *http;
    const char *public_url;        /* NULL unknown */
    struct oidc *const *providers; /* by which agents may sign in */
    size_t nproviders;
    bool passwords; /* agents may sign in by theirs */
    const struct vault *vault;
    /* For changing the channels: where the configuration comes from; does the channel's connector
     * take what stands in next; read it all again, soon. */
    const struct config_source *source;
    const char *data_dir;
    int (*try_channel)(void *app, const struct config *next, const char *name, struct err *err);
    void (*reload)(void *app);
    void *app;
};

/* Adds its routes to the server. */
struct api *api_create(const struct env *env, const struct api_options *o);
void api_set_draining(struct api *api); /* /readyz says no from now on */
void api_destroy(struct api **api);

/* Every route, ended by a row without method: held against openapi.json by a test. */
extern const struct http_route api_routes[];

#endif
