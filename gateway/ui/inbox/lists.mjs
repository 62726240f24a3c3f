// lists.mjs - a list of threads on the page: which threads belong to a view, their order by last
// activity, and how pages of the server and live events become one list. Pure functions.

export const VIEWS = ["open", "mine", "unassigned", "mentions", "snoozed", "closed", "all"];

export function listKey(view, filter = {}) {
    return [view, filter.channel ?? "", filter.assignee ?? "", filter.label ?? ""].join("|");
}

// Of a team's list, whose threads are in it.
export const membersOf = (teams, assignee) => (assignee?.startsWith("team:") ? teams.find((x) => "team:" + x.id === assignee)?.members ?? [] : undefined);

export function makeList(view, filter = {}) {
    return { key: listKey(view, filter), view, filter, ids: [], next: null, loaded: false,
        loading: false, error: null };
}

// Does the thread belong to the list, as the server sees it?
export function belongs(list, thread, me) {
    if (!thread || thread.merged_into) return false;
    const { view, filter } = list;
    if (filter.channel && thread.channel !== filter.channel) return false;
    if (filter.assignee && !(list.members ?? [filter.assignee]).includes(thread.assignee)) return false;
    if (filter.label && !thread.labels.includes(filter.label)) return false;
    // Only the gateway knows whom a note has called; what it has listed stays until it is asked again.
    if (view === "mentions") return true;
    if (view === "all") return true;
    if (view === "mine") return thread.state === "open" && thread.assignee === me;
    if (view === "unassigned") return thread.state === "open" && !thread.assignee;
    return thread.state === view;
}

// Newest activity first; a stable order for equal times.
export function compareThreads(a, b) {
    if (a.last_at !== b.last_at) return (a.last_at ?? "") < (b.last_at ?? "") ? 1 : -1;
    return a.id < b.id ? 1 : a.id > b.id ? -1 : 0;
}

function lowerBound(ids, threads, thread) {
    let lo = 0;
    let hi = ids.length;
    while (lo < hi) {
        const mid = (lo + hi) >> 1;
        const at = threads.get(ids[mid]);
        if (at && compareThreads(at, thread) < 0) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

// Where an id stands in a list that is ordered by `old`, what the thread was until now.
function positionOf(ids, threads, id, old) {
    if (old) {
        const at = lowerBound(ids, threads, old);
        if (ids[at] === id) return at;
    }
    return ids.indexOf(id);
}

// A thread changed from `old` (undefined: not known before) to `now`. `threads` still has the old
// one. Returns the list, a new object when it changed.
export function place(list, threads, old, now, me) {
    if (!list.loaded) return list;
    if (list.view === "mentions" && !list.ids.includes(now.id)) return list;
    const was = old ? positionOf(list.ids, threads, now.id, old) : list.ids.indexOf(now.id);
    const wanted = belongs(list, now, me);
    if (was < 0 && !wanted) return list;
    if (was >= 0 && wanted && old && compareThreads(old, now) === 0) return list;
    const ids = list.ids.slice();
    if (was >= 0) ids.splice(was, 1);
    const at = wanted ? lowerBound(ids, threads, now) : 0;
    // Past the end of what was loaded: a later page brings it.
    const comes = wanted && (at < ids.length || list.next === null);
    if (comes) ids.splice(at, 0, now.id);
    return comes || was >= 0 ? { ...list, ids } : list;
}

// A page of the server. `threads` has the page's threads already (the newer of page and events).
// first: the list begins anew. `news`: the ids of threads that events have changed after the page was
// asked for; they may be missing in it, and in the list, which took no events before its first page.
export function addPage(list, threads, page, next, { first, news, me }) {
    const called = list.view === "mentions"; // only the gateway knows which
    const ids = new Set(called ? [] : news);
    const end = page.length ? page[page.length - 1] : null;
    for (const id of list.ids) if (!first || news.has(id)) ids.add(id);
    for (const thread of page) ids.add(thread.id);
    const out = [...ids]
        .map((id) => threads.get(id))
        .filter((thread) => belongs(list, thread, me))
        .sort(compareThreads);
    if (next !== null && end) {
        while (out.length && compareThreads(end, out[out.length - 1]) < 0 &&
               !page.some((t) => t.id === out[out.length - 1].id)) out.pop();
    }
    return { ...list, ids: out.map((t) => t.id), next, loaded: true, loading: false, error: null };
}
