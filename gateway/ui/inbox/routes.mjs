// routes.mjs - the page's address after "#" and what it means. Anything unknown is the inbox.
import { VIEWS } from "./lists.mjs";

export const ADMIN_PAGES = ["reports", "agents", "channels", "canned", "hours", "rules", "targets", "dead", "account", "audit", "tokens", "teams", "labels", "system", "start"];
export const FILTERS = ["channel", "assignee", "label"];

// What a view is narrowed to; undefined when to nothing.
function parseFilter(text) {
    const given = new URLSearchParams(text);
    const filter = Object.fromEntries(FILTERS.filter((k) => given.get(k)).map((k) => [k, given.get(k)]));
    return Object.keys(filter).length ? filter : undefined;
}

// before: the route until now; a thread's address keeps the view that it was opened from.
export function parseRoute(hash, before = { view: "open" }) {
    const [path, query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
    const [page, id, seq] = path.split("/").map(decode);
    const view = before.view ?? "open";
    const { filter } = before;
    if (ADMIN_PAGES.includes(page)) return page === "dead" && id ? { page, view, queue: id } : { page, view };
    if (page === "v" && VIEWS.includes(id)) return withFilter({ page: "inbox", view: id }, parseFilter(query));
    if (page === "t" && id) {
        const at = Number(seq);
        return withFilter({ page: "inbox", view, thread: id, seq: Number.isSafeInteger(at) && at > 0 ? at : undefined }, filter);
    }
    return withFilter({ page: "inbox", view }, filter);
}

// How a sign-in by a provider went, which the gateway has put into the address; and the address without it.
export function signInOutcome({ pathname, search, hash }) {
    const query = new URLSearchParams(search);
    const outcome = query.get("sign_in");
    query.delete("sign_in");
    const rest = query.toString();
    return { outcome, address: pathname + (rest ? "?" + rest : "") + hash };
}

const withFilter = (route, filter) => (filter ? { ...route, filter } : route);

function decode(part) {
    try {
        return decodeURIComponent(part);
    } catch {
        return "";
    }
}

// queue: "crm:erp", "out:site", or nothing: all that was given up.
export const deadHref = (queue) => "#/dead" + (queue ? "/" + encodeURIComponent(queue) : "");
export function viewHref(view, filter = {}) {
    const query = new URLSearchParams(FILTERS.filter((k) => filter[k]).map((k) => [k, filter[k]])).toString();
    return "#/v/" + view + (query ? "?" + query : "");
}
export const threadHref = (id, seq) => "#/t/" + encodeURIComponent(id) + (seq ? "/" + seq : "");
