// uploads.mjs - files on their way to the server before their message is sent: progress, refusals.

export class Uploads {
    constructor(chat) {
        this.chat = chat;
        this.list = []; // {key, file, name, size, preview, state: "waiting"|"sending"|"done"|"failed", done, media, detail}
        this.count = 0;
    }

    clear() {
        for (const u of this.list) this.drop(u);
        this.list = [];
    }

    drop(u) {
        u.request?.abort();
        if (u.preview) URL.revokeObjectURL(u.preview);
    }

    add(files) {
        for (const file of files) {
            const u = { key: ++this.count, file, name: file.name || "image.png", size: file.size, state: "waiting", done: 0 };
            if (this.list.filter((o) => o.state !== "failed").length >= this.chat.limits.files) this.fail(u, "too_many_files");
            else if (file.size > this.chat.limits.file_bytes) this.fail(u, "too_large");
            else if (file.size === 0) this.fail(u, "empty");
            if (/^image\/(png|jpeg|gif|webp)$/.test(file.type)) u.preview = URL.createObjectURL(file);
            this.list = [...this.list, u];
        }
        this.resume();
        this.chat.changed();
    }

    remove(key) {
        const u = this.list.find((o) => o.key === key);
        if (!u) return;
        this.drop(u);
        this.list = this.list.filter((o) => o.key !== key);
        this.chat.changed();
    }

    fail(u, detail) {
        u.state = "failed";
        u.detail = detail;
    }

    // Begins what waits; needs the token, which the first ready brings.
    resume() {
        if (!this.chat.token) return;
        for (const u of this.list) if (u.state === "waiting") this.send(u);
    }

    send(u) {
        const r = new XMLHttpRequest();
        const query = new URLSearchParams({ site: this.chat.options.site, name: u.name });
        u.state = "sending";
        u.request = r;
        r.open("POST", "/chat/media?" + query);
        r.setRequestHeader("Authorization", "Bearer " + this.chat.token);
        r.setRequestHeader("Content-Type", u.file.type || "application/octet-stream");
        r.upload.onprogress = (e) => {
            u.done = e.lengthComputable ? e.loaded / e.total : 0;
            this.chat.changed();
        };
        r.onload = () => {
            let answer = {};
            try {
                answer = JSON.parse(r.responseText);
            } catch {
                /* a proxy's own page */
            }
            if (r.status === 201 && answer.media) Object.assign(u, { state: "done", done: 1, media: answer.media });
            else this.fail(u, { 413: "too_large", 415: "type", 429: "too_many" }[r.status] ?? (answer.code === "invalid" ? "type" : "failed"));
            this.chat.changed();
        };
        r.onerror = () => {
            this.fail(u, "failed");
            this.chat.changed();
        };
        r.send(u.file);
    }

    again(key) {
        const u = this.list.find((o) => o.key === key);
        if (!u || !["failed", "too_many"].includes(u.detail)) return;
        u.state = "waiting";
        this.resume();
        this.chat.changed();
    }

    busy() {
        return this.list.some((u) => u.state === "waiting" || u.state === "sending");
    }

    // The uploaded files, for a message; the list is empty after.
    take() {
        const media = this.list.filter((u) => u.state === "done").map((u) => u.media);
        this.clear();
        return media;
    }
}
