// window.mjs - until when a client may be answered in words of our own: messengers that let a business
// write freely only for a day after the client did. Pure functions.
import { toMs } from "../shared/time.mjs";

const SOON_MS = 2 * 3600000;

// caps: of the channel. null: it has no such window. Else {open, soon, until, left: ms, free: until
// when it costs nothing, null when it does not}.
export function windowOf(thread, channel, caps, now) {
    if (!caps.includes("window")) return null;
    const told = thread.windows?.[channel];
    const until = told?.until ? toMs(told.until) : 0;
    const free = told?.free_until ? toMs(told.free_until) : 0;
    const left = Math.max(0, until - now);
    return { open: left > 0, soon: left > 0 && left < SOON_MS, until, left, free: free > now ? free : null };
}

// The words for what is left: {key, h, m} of "window.*".
export function leftWords(ms) {
    const minutes = Math.ceil(ms / 60000);
    const h = Math.floor(minutes / 60);
    if (h && minutes % 60 === 0) return { key: "window.whole", h, m: 0 };
    return h ? { key: "window.hours", h, m: minutes % 60 } : { key: "window.minutes", h, m: minutes };
}
