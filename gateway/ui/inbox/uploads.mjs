// uploads.mjs - files on their way into a message: each with its progress, its end, or the reason
// why it failed. They belong to a thread's composer until the message is sent.
import { ulid } from "../shared/ids.mjs";

const FILES_MAX = 10;
const PREVIEW = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"]);

export function createUploads(desk) {
    const { store } = desk;
    const running = new Map(); // id -> {cancel}
    const list = (thread) => store.db.uploads.get(thread) ?? [];
    const set = (thread, uploads) => store.dispatch({ type: "uploads", thread, uploads });
    const update = (thread, id, fields) => store.dispatch({ type: "upload", thread, id, fields });

    function start(thread, id, file) {
        const job = desk.api.upload(file, (progress) => update(thread, id, { progress }));
        running.set(id, job);
        job.done.then(
            (media) => update(thread, id, { state: "done", progress: 1, media }),
            (e) => {
                if (e.code !== "cancelled") update(thread, id, { state: "failed", error: desk.failed(e) });
            },
        ).finally(() => running.delete(id));
    }

    function release(upload) {
        running.get(upload.id)?.cancel();
        if (upload.preview) URL.revokeObjectURL(upload.preview);
    }

    return {
        // Returns how many did not fit.
        add(thread, files) {
            const room = Math.max(0, FILES_MAX - list(thread).length);
            const fresh = [...files].slice(0, room).map((file) => ({
                id: ulid(), file, name: file.name, size: file.size, mime: file.type,
                state: "running", progress: 0,
                preview: PREVIEW.has(file.type) ? URL.createObjectURL(file) : null,
            }));
            set(thread, [...list(thread), ...fresh]);
            for (const u of fresh) start(thread, u.id, u.file);
            return files.length - fresh.length;
        },
        retry(thread, id) {
            const u = list(thread).find((x) => x.id === id);
            if (!u) return;
            update(thread, id, { state: "running", progress: 0, error: null });
            start(thread, id, u.file);
        },
        remove(thread, id) {
            const u = list(thread).find((x) => x.id === id);
            if (u) release(u);
            set(thread, list(thread).filter((x) => x.id !== id));
        },
        // Takes the finished ones out for a message.
        take(thread) {
            const uploads = list(thread);
            const media = uploads.filter((u) => u.state === "done").map((u) => u.media);
            for (const u of uploads) release(u);
            set(thread, []);
            return media;
        },
    };
}
