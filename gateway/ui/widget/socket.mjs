// socket.mjs - one connection that comes back by itself: full jitter, at once when the browser is
// online or visible again, and given up as dead when a ping is not answered. Knows no messages.
import { Backoff } from "../shared/backoff.mjs";

const PING_MS = 20000;
const PONG_MS = 10000;
const READY_MS = 15000;

export class Socket {
    // hello(): the first frame. onFrame(frame). onState("connecting" | "live" | "waiting" | "closed", code)
    constructor(url, { hello, onFrame, onState }) {
        Object.assign(this, { url, hello, onFrame, onState });
        this.backoff = new Backoff({ min: 500, max: 30000 });
        this.wanted = false;
        const wake = () => this.wake();
        addEventListener("online", wake);
        addEventListener("pageshow", wake);
        addEventListener("offline", () => this.drop());
        document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && wake());
    }

    start() {
        if (this.wanted) return;
        this.wanted = true;
        this.connect();
    }

    stop() {
        this.wanted = false;
        clearTimeout(this.retry);
        this.drop(1000);
        this.onState("closed");
    }

    again() {
        this.drop(1000);
        this.backoff.reset();
        if (this.wanted) this.connect();
    }

    // Live or not, make sure of it now: a phone that slept does not know that its socket is dead.
    wake() {
        if (!this.wanted) return;
        if (this.ws && this.ready) this.ping();
        else if (!this.ws) {
            clearTimeout(this.retry);
            this.connect();
        }
    }

    send(frame) {
        if (!this.ready) return false;
        this.ws.send(JSON.stringify(frame));
        return true;
    }

    connect() {
        clearTimeout(this.retry);
        if (this.ws) return;
        const ws = new WebSocket(this.url);
        this.ws = ws;
        this.ready = false;
        this.onState("connecting");
        this.guard(READY_MS);
        ws.onopen = () => ws === this.ws && ws.send(JSON.stringify(this.hello()));
        ws.onmessage = (e) => ws === this.ws && this.heard(e.data);
        ws.onclose = (e) => ws === this.ws && this.closed(e.code);
    }

    heard(text) {
        let frame;
        try {
            frame = JSON.parse(text);
        } catch {
            return;
        }
        clearTimeout(this.dead);
        if (frame.type === "ready") {
            this.ready = true;
            this.backoff.reset();
            clearInterval(this.pinging);
            this.pinging = setInterval(() => this.ping(), PING_MS);
            this.onState("live");
        }
        if (frame.type !== "pong") this.onFrame(frame);
    }

    ping() {
        if (!this.ready) return;
        this.ws.send('{"type":"ping"}');
        this.guard(PONG_MS);
    }

    guard(ms) {
        clearTimeout(this.dead);
        this.dead = setTimeout(() => this.drop(), ms);
    }

    // Forgets the socket at once: a dead one may take minutes to say so.
    drop(code) {
        const ws = this.ws;
        if (!ws) return;
        ws.onopen = ws.onmessage = ws.onclose = null;
        ws.close(code);
        this.closed(code ?? 1006);
    }

    closed(code) {
        this.ws = null;
        this.ready = false;
        clearTimeout(this.dead);
        clearInterval(this.pinging);
        if (!this.wanted) return;
        const more = this.onState("waiting", code);
        if (!this.wanted || more === "stop" || code === 1000) return;
        let ms = this.backoff.next();
        if (more === "now") ms = 0;
        if (code === 4429 || code === 1013) ms = Math.max(ms, 5000 + Math.random() * 10000);
        if (navigator.onLine !== false) this.retry = setTimeout(() => this.connect(), ms);
    }
}
