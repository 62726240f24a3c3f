/* app.h - one worker's services, built and torn down in one visible order. */
#ifndef SB_APP_H
#define SB_APP_H

#include "worker.h"

struct app;

/* Builds everything from the configuration. NULL with err (the worker then exits with 78). */
struct app *app_create(const struct config *c, const struct worker_context *ctx, struct err *err);
int app_run(struct app *app); /* until drained; the exit code */
void app_destroy(struct app **app);

#endif
