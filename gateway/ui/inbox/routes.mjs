// routes.mjs - the page's address after "#" and what it means. Anything unknown is the inbox.
import { VIEWS } from "./lists.mjs";

export const ADMIN_PAGES = ["agents", "channels", "targets", "dead", "account"];

// before: the route until now; a thread's address keeps the view that it was opened from.
export function parseRoute(hash, before = { view: "open" }) {
    const [page, id, seq] = hash.replace(/^#\/?/, "").split("/").map(decode);
    const view = before.view ?? "open";
    if (ADMIN_PAGES.includes(page)) return page === "dead" && id ? { page, view, queue: id } : { page, view };
    if (page === "v" && VIEWS.includes(id)) return { page: "inbox", view: id };
    if (page === "t" && id) {
        const at = Number(seq);
        return { page: "inbox", view, thread: id, seq: Number.isSafeInteger(at) && at > 0 ? at : undefined };
    }
    return { page: "inbox", view };
}

function decode(part) {
    try {
        return decodeURIComponent(part);
    } catch {
        return "";
    }
}

// queue: "crm:erp", "out:site", or nothing: all that was given up.
export const deadHref = (queue) => "#/dead" + (queue ? "/" + encodeURIComponent(queue) : "");
export const viewHref = (view) => "#/v/" + view;
export const threadHref = (id, seq) => "#/t/" + encodeURIComponent(id) + (seq ? "/" + seq : "");
