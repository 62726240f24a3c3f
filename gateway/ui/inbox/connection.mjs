// connection.mjs - the one socket to the gateway: says hello with the place where this page is,
// hands on events in order, keeps the line warm, and comes back by itself after any loss. What the
// frames mean is the store's business. Timers and the socket's maker are given, so tests need no
// network.
import { Backoff } from "../shared/backoff.mjs";
import { Cursor } from "./cursor.mjs";

export const PING_MS = 20000;
export const DEAD_MS = 10000;
const OPEN_MS = 12000;
const OPEN = 1; // of a WebSocket's readyState; then it is closing, and drops without a word what it is given
const RESTART_SPREAD_MS = 3000;

const realClock = {
    set: (fn, ms) => setTimeout(fn, ms),
    clear: (id) => clearTimeout(id),
    random: Math.random,
};

export class Connection {
    // on: { state(name), event(frame), ready(frame, first), reset(frame, replaced),
    //       answer(frame), signedOut(), refused(), tooBig() }
    // refused: a handshake was not answered with a socket (the session may have ended). tooBig:
    // what was sent last is more than the gateway takes; sending it again would end the same way.
    constructor(url, on, { make = (u) => new WebSocket(u), clock = realClock } = {}) {
        this.url = url;
        this.on = on;
        this.make = make;
        this.clock = clock;
        this.backoff = new Backoff({ random: clock.random });
        this.cursor = new Cursor();
        this.socket = null;
        this.state = "stopped"; // stopped, connecting, hello, online, waiting
        this.timers = new Map();
        this.pings = 0;
        this.everReady = false;
    }

    start() {
        if (this.state === "stopped") this.connect();
    }

    stop() {
        this.dropSocket();
        this.clearAll();
        this.setState("stopped");
        this.cursor = new Cursor();
        this.everReady = false;
        this.backoff.reset();
    }

    isOnline() {
        return this.state === "online";
    }

    // Sends a command frame; false when the line is not there (the caller keeps it).
    send(frame) {
        if (this.state !== "online" || this.socket.readyState > OPEN) return false;
        try {
            this.socket.send(JSON.stringify(frame));
            return true;
        } catch {
            this.lost(0);
            return false;
        }
    }

    // The page is visible again, or the network is: do not wait, and do not trust an old line.
    wake() {
        if (this.state === "waiting") {
            this.backoff.reset();
            this.connect();
        } else if (this.state === "online") {
            this.ping(DEAD_MS / 2);
        }
    }

    // The line is doubted (a command had no answer): begin anew.
    restart() {
        if (this.state === "online" || this.state === "hello") this.lost(0);
    }

    // --- inside ---------------------------------------------------------------------------------

    timer(name, ms, fn) {
        this.clock.clear(this.timers.get(name));
        this.timers.set(name, this.clock.set(() => {
            this.timers.delete(name);
            fn();
        }, ms));
    }

    clearTimer(name) {
        this.clock.clear(this.timers.get(name));
        this.timers.delete(name);
    }

    clearAll() {
        for (const id of this.timers.values()) this.clock.clear(id);
        this.timers.clear();
    }

    setState(state) {
        if (this.state === state) return;
        this.state = state;
        this.on.state(state);
    }

    connect() {
        this.dropSocket();
        this.clearAll();
        this.setState("connecting");
        let socket;
        try {
            socket = this.make(this.url);
        } catch {
            this.wait(this.backoff.next());
            return;
        }
        this.socket = socket;
        this.opened = false;
        this.timer("open", OPEN_MS, () => this.lost(this.backoff.next()));
        socket.onopen = () => this.socket === socket && this.hello();
        socket.onmessage = (e) => this.socket === socket && this.receive(e.data);
        socket.onclose = (e) => this.socket === socket && this.closed(e.code, e.reason);
        socket.onerror = () => {};
    }

    hello() {
        this.opened = true;
        this.setState("hello");
        this.timer("open", OPEN_MS, () => this.lost(this.backoff.next()));
        this.socket.send(JSON.stringify({ type: "hello", cursor: this.cursor.text() }));
    }

    receive(data) {
        let frame;
        try {
            frame = JSON.parse(data);
        } catch {
            return;
        }
        if (!frame || typeof frame.type !== "string") return;
        this.clearTimer("dead");
        if (this.state === "hello") this.timer("open", OPEN_MS, () => this.lost(this.backoff.next()));
        if (frame.type === "ready") this.ready(frame);
        else if (frame.type === "reset") this.on.reset(frame, this.cursor.set(frame.cursor));
        else if (frame.type === "ok" || frame.type === "error") this.answer(frame);
        else this.event(frame);
    }

    event(frame) {
        this.on.event(frame);
        // Only after the store has it: what is not applied is asked for again.
        if (frame.cursor) this.cursor.advance(frame.cursor);
    }

    ready(frame) {
        this.cursor.set(frame.cursor);
        this.clearTimer("open");
        this.backoff.reset();
        const first = !this.everReady;
        this.everReady = true;
        this.schedulePing();
        this.setState("online");
        this.on.ready(frame, first);
    }

    answer(frame) {
        if (typeof frame.id === "string" && frame.id.startsWith("ping-")) return;
        this.on.answer(frame);
    }

    schedulePing() {
        this.timer("ping", PING_MS, () => this.ping(DEAD_MS));
    }

    ping(patience) {
        if (!this.send({ type: "ping", id: "ping-" + ++this.pings })) return;
        this.timer("dead", patience, () => this.lost(0));
        this.schedulePing();
    }

    closed(code, reason) {
        if (code === 4401) {
            this.dropSocket();
            this.clearAll();
            this.setState("stopped");
            this.on.signedOut();
            return;
        }
        if (!this.opened) this.on.refused();
        if (this.state === "stopped") return;
        if (code === 1009) this.on.tooBig();
        // Refused after hello: the gateway is there, its store is not.
        if (code === 1013 && this.state === "hello") this.on.event({ type: "store", up: false });
        if (code === 1012) {
            const spread = Number.parseInt(reason, 10);
            const most = spread > 0 && spread <= 60000 ? spread : RESTART_SPREAD_MS;
            this.lost(Math.round(this.clock.random() * most));
        } else if (code === 1008 || code === 1009) {
            this.lost(Math.max(5000, this.backoff.next()));
        } else {
            this.lost(this.backoff.next());
        }
    }

    lost(ms) {
        this.dropSocket();
        this.wait(ms);
    }

    wait(ms) {
        this.clearAll();
        this.setState("waiting");
        this.timer("retry", ms, () => this.connect());
    }

    dropSocket() {
        const socket = this.socket;
        this.socket = null;
        if (!socket) return;
        socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
        try {
            socket.close(1000);
        } catch {
            // It was closed already.
        }
    }
}
