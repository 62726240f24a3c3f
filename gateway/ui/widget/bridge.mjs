// bridge.mjs - the panel's side of the talk with the page that frames it. Only our parent is heard,
// and it is answered at the origin that it spoke from; the server's frame-ancestors says which
// pages can be that parent. Opened on its own, the panel keeps its things itself.
import { openSaved } from "./saved.mjs";

export class Bridge {
    constructor(handlers) {
        this.handlers = handlers;
        this.origin = null;
        this.alone = window.parent === window;
        if (this.alone) this.startAlone();
        else addEventListener("message", (e) => this.hear(e));
    }

    startAlone() {
        const query = new URLSearchParams(location.search);
        const site = query.get("site") ?? "site";
        this.saved = openSaved("switchboard:" + site);
        const data = { saved: this.saved.get(), page: { url: location.href, title: document.title },
            lang: query.get("lang") ?? navigator.language.slice(0, 2), open: true, options: { site } };
        queueMicrotask(() => this.handlers.start(data));
    }

    hear(e) {
        if (e.source !== window.parent || !e.data?.switchboard) return;
        if (e.data.switchboard === "start") this.origin = e.origin;
        if (e.origin !== this.origin) return;
        this.handlers[e.data.switchboard]?.(e.data.data);
    }

    say(type, data) {
        if (this.alone) {
            if (type === "save") this.saved.set(data);
        } else if (this.origin) {
            window.parent.postMessage({ switchboard: type, data }, this.origin);
        }
    }
}
