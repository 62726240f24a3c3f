/* worker.c - the life of one worker process. */
#include "worker.h"

#include <signal.h>

#include "app.h"
#include "base/log.h"

int worker_run(const struct config *c, const struct worker_context *ctx) {
    struct err err;
    struct log log;
    signal(SIGPIPE, SIG_IGN);
    struct app *app = app_create(c, ctx, &err);
    if (!app) {
        log_init(&log);
        log.who = "worker";
        log.index = (int)ctx->index;
        LOG_ERROR(&log, "worker.not_started", LOG_E(&err));
        return WORKER_EXIT_CONFIG;
    }
    int code = app_run(app);
    app_destroy(&app);
    return code;
}
