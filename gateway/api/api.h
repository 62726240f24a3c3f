/* api.h - REST under /api/v1, the pages, health and metrics: the routes that people and programs
 * use. */
#ifndef SB_API_API_H
#define SB_API_API_H

#include "core/core.h"
#include "net/http_server.h"

struct api;
struct media;

struct api_options {
    struct core *core;
    struct store *store;
    struct users *users;
    struct media *media;
    struct http_server *http;
    const char *public_url; /* NULL unknown */
};

/* Adds its routes to the server. */
struct api *api_create(const struct env *env, const struct api_options *o);
void api_set_draining(struct api *api); /* /readyz says no from now on */
void api_destroy(struct api **api);

/* Every route, ended by a row without method: held against openapi.json by a test. */
extern const struct http_route api_routes[];

#endif
