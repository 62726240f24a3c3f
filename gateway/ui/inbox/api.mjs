// api.mjs - the REST side: one function a request, answers as JSON, failures as ApiError with the
// words of the server's problem document. Knows nothing of the store.

const BASE = "/api/v1";
const FACTOR = "/session/second-factor";
const TIMEOUT_MS = 30000;
const AGAIN_MS = [200, 800];
const LOST = new Set([0, 502, 503, 504]);
const CHECK_MS = 120000; // a mailbox waits for a mail of its own

export class ApiError extends Error {
    // status 0: no answer came.
    constructor(status, problem = {}, retryAfterMs = 0) {
        super(problem.detail || problem.title || "");
        this.status = status;
        this.code = problem.code || "";
        this.retryAfterMs = retryAfterMs;
    }
}

function retryAfter(value) {
    const seconds = Number(value);
    return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0;
}

// Also for bundles beside the inbox's, whose pages ask for more. What only reads is asked again when a worker has died over it, or Redis is away for a moment.
export async function request(method, path, body, options = {}) {
    for (let i = 0; ; i++) {
        try {
            return await once(method, path, body, options);
        } catch (e) {
            if (method !== "GET" || i >= AGAIN_MS.length || !LOST.has(e.status)) throw e;
            await new Promise((done) => setTimeout(done, AGAIN_MS[i]));
        }
    }
}

async function once(method, path, body, { keepalive = false, timeout = TIMEOUT_MS }) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), timeout);
    const options = { method, credentials: "same-origin", signal: stop.signal, keepalive,
        headers: { Accept: "application/json" } };
    if (body !== undefined) {
        options.headers["Content-Type"] = "application/json";
        options.body = JSON.stringify(body);
    }
    try {
        const answer = await fetch(BASE + path, options);
        const text = answer.status === 204 ? "" : await answer.text();
        const json = parse(text);
        if (answer.ok) return json ?? {};
        throw new ApiError(answer.status, json ?? {}, retryAfter(answer.headers.get("Retry-After")));
    } catch (e) {
        throw e instanceof ApiError ? e : new ApiError(0);
    } finally {
        clearTimeout(timer);
    }
}

function parse(text) {
    if (!text) return null;
    try {
        return JSON.parse(text);
    } catch {
        return null;
    }
}

export function query(fields) {
    const q = new URLSearchParams();
    for (const [k, v] of Object.entries(fields)) if (v !== undefined && v !== null && v !== "") q.set(k, v);
    const text = q.toString();
    return text ? "?" + text : "";
}

const id = encodeURIComponent;

// The gateway takes names of up to 255 bytes; what is cut is the middle, so that the ending stays.
export function fileName(name) {
    const bytes = (s) => new TextEncoder().encode(s).length;
    let [head, tail] = [[...(name || "file")], []];
    if (bytes(name || "") <= 250) return name || "file";
    tail = head.splice(-20);
    while (bytes(head.join("") + tail.join("")) > 240) head.pop();
    return head.join("") + "…" + tail.join("");
}

// Uploads one file: {done: promise of Media, cancel()}. progress(fraction) as it goes.
function upload(file, progress) {
    const xhr = new XMLHttpRequest();
    const done = new Promise((resolve, reject) => {
        xhr.upload.onprogress = (e) => e.lengthComputable && progress(e.loaded / e.total);
        xhr.onload = () => {
            const json = parse(xhr.responseText);
            if (xhr.status === 201 || xhr.status === 200) resolve(json?.media);
            else reject(new ApiError(xhr.status, json ?? {}, retryAfter(xhr.getResponseHeader("Retry-After"))));
        };
        xhr.onerror = xhr.ontimeout = () => reject(new ApiError(0));
        xhr.onabort = () => reject(new ApiError(0, { code: "cancelled" }));
        xhr.open("POST", BASE + "/media" + query({ name: fileName(file.name) }));
        xhr.setRequestHeader("Content-Type", file.type || "application/octet-stream");
        xhr.send(file);
    });
    return { done, cancel: () => xhr.abort() };
}

export const api = {
    session: () => request("GET", "/session"),
    signIn: (name, password, code) => request("POST", "/session", { name, password, code }),
    signInWays: () => request("GET", "/sign-in"),
    signOut: () => request("DELETE", "/session"),
    password: (old, fresh) => request("POST", "/session/password", { old, new: fresh }),
    sessions: () => request("GET", "/sessions"),
    endSession: (session) => request("DELETE", "/sessions/" + id(session)),
    endOtherSessions: () => request("POST", "/sessions/end-others"),
    factor: () => request("GET", FACTOR),
    factorStep: (step, fields) => request("POST", FACTOR + step, fields),
    threads: (fields) => request("GET", "/threads" + query(fields)),
    counts: () => request("GET", "/counts"),
    labels: () => request("GET", "/labels"),
    views: () => request("GET", "/views"),
    addView: (fields) => request("POST", "/views", fields),
    changeView: ({ id: view, ...fields }) => request("PUT", "/views/" + id(view), fields),
    removeView: (view) => request("DELETE", "/views/" + id(view)),
    preferences: () => request("GET", "/preferences"),
    prefer: (preferences) => request("PUT", "/preferences", preferences),
    drafts: () => request("GET", "/drafts"),
    saveDraft: (thread, fields, keepalive) => request("PUT", `/threads/${id(thread)}/draft`, fields, { keepalive }),
    // What admins keep: "canned", "hours", "sla".
    kept: (kind) => request("GET", "/" + kind),
    addKept: (kind, fields) => request("POST", "/" + kind, fields),
    changeKept: (kind, one, fields) => request("PUT", `/${kind}/${id(one)}`, fields),
    removeKept: (kind, one) => request("DELETE", `/${kind}/${id(one)}`),
    rules: (method = "GET", path = "", fields) => request(method, "/rules" + path, fields),
    thread: (thread) => request("GET", "/threads/" + id(thread)),
    change: (thread, fields) => request("PATCH", "/threads/" + id(thread), fields),
    messages: (thread, fields) => request("GET", `/threads/${id(thread)}/messages` + query(fields)),
    editMessage: (message, fields) => request("PATCH", "/messages/" + id(message), fields),
    deleteMessage: (message) => request("DELETE", "/messages/" + id(message)),
    react: (message, emoji) => request("PUT", `/messages/${id(message)}/reaction`, { emoji }),
    trace: (message) => request("GET", `/messages/${id(message)}/trace`),
    client: (client) => request("GET", "/clients/" + id(client)),
    changeClient: (client, fields) => request("PATCH", "/clients/" + id(client), fields),
    merge: (client, from) => request("POST", `/clients/${id(client)}/merge`, { from }),
    unmerge: (client, from) => request("POST", `/clients/${id(client)}/unmerge`, { from }),
    suggestions: (client) => request("GET", `/clients/${id(client)}/suggestions`),
    dismiss: (client, other) => request("DELETE", `/clients/${id(client)}/suggestions/${id(other)}`),
    files: (client, fields) => request("GET", `/clients/${id(client)}/files` + query(fields)),
    erase: (client, fields) => request("POST", `/clients/${id(client)}/erase`, fields, { timeout: CHECK_MS }),
    exportUrl: (client) => `${BASE}/clients/${id(client)}/export`,
    agents: () => request("GET", "/agents"),
    addAgent: (fields) => request("POST", "/agents", fields),
    changeAgent: (name, fields) => request("PATCH", "/agents/" + id(name), fields),
    resetFactor: (name) => request("DELETE", `/agents/${id(name)}/second-factor`),
    signAgentOut: (name) => request("DELETE", `/agents/${id(name)}/sessions`),
    channels: () => request("GET", "/channels"),
    connectors: () => request("GET", "/connectors"),
    addChannel: (fields) => request("POST", "/channels", fields),
    channelSettings: (name) => request("GET", `/channels/${id(name)}/settings`),
    changeChannel: (name, settings) => request("PATCH", "/channels/" + id(name), { settings }),
    removeChannel: (name) => request("DELETE", "/channels/" + id(name)),
    checkChannel: (name) => request("POST", `/channels/${id(name)}/check`, undefined, { timeout: CHECK_MS }),
    templates: (channel) => request("GET", `/channels/${id(channel)}/templates`),
    pictureUrl: (channel) => `${BASE}/channels/${id(channel)}/picture`,
    deliveries: (thread) => request("GET", `/threads/${id(thread)}/deliveries`),
    targets: () => request("GET", "/targets"),
    targetLog: (name) => request("GET", `/targets/${id(name)}/log`),
    enableTarget: (name) => request("POST", `/targets/${id(name)}/enable`),
    testTarget: (name) => request("POST", `/targets/${id(name)}/test`, undefined, { timeout: CHECK_MS }),
    report: (fields) => request("GET", "/reports" + query(fields)),
    dead: (cursor, queue) => request("GET", "/dead" + query({ cursor, queue })),
    retryAllDead: (queue) => request("POST", "/dead/retry", queue ? { queue } : {}),
    retryDead: (dead) => request("POST", `/dead/${id(dead)}/retry`),
    mediaUrl: (media, download) => `${BASE}/media/${id(media)}${download ? "?download=1" : ""}`,
    upload,
};
