// notify.jsx - tells the agent by a sound and a notice of what concerns him (notices.mjs), once for all his tabs.
import { useEffect, useRef } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { ring } from "../shared/sound.mjs";
import { useAgentName, useDesk, useWords } from "./context.jsx";
import { asNews, isQuiet, newestOfEach, reasonOf } from "./notices.mjs";
import { clientName } from "./parts.jsx";
import { threadHref } from "./routes.mjs";

const TOGETHER_MS = 300; // what comes within it is told at once
const SOON_MS = 100; // by a page in use, before the others would
const MANY = 3;

const inUse = () => document.visibilityState === "visible" && document.hasFocus();

// Only one of this agent's tabs may tell of it; those that look at it say that nobody need.
async function claim(storage, agent, key) {
    const take = () => storage.tell(agent, key);
    return navigator.locks ? navigator.locks.request("sb.told", take) : take();
}

function show(title, body, tag, href) {
    try {
        const notice = new Notification(title, { body, tag, icon: "/assets/icon-192.png" });
        notice.onclick = () => {
            focus();
            if (href) location.hash = href;
            notice.close();
        };
    } catch {
        // A telephone's browser takes notices from workers only; the sound was heard.
    }
}

function wordsOf({ message: m, thread, step }, reason, { t, agentName }) {
    const name = clientName(thread, t);
    if (step) return [t("remind." + (step === "late" ? "late" : "soon"), { name }), plainName(thread?.last?.text ?? "")];
    const text = plainName(m.text ?? "") || t("list.file");
    if (reason === "mentions") return [t("notice.mention", { who: agentName(m.from?.agent), name }), text];
    if (m.direction === "event") return [t("notice.assigned", { name }), agentName(m.event?.by) || t("event.system")];
    return [name, text];
}

export function useNotices() {
    const desk = useDesk();
    const words = useRef(null);
    words.current = { ...useWords(), agentName: useAgentName() };
    useEffect(() => {
        const { db, storage } = desk;
        const me = db.me.name;
        let waiting = [], timer = null;
        const tell = async () => {
            const fresh = [];
            const frames = waiting;
            timer = null;
            waiting = [];
            for (const f of frames.map((f) => asNews(f, db.threads))) if (await claim(storage, me, f.message.thread + ":" + f.message.seq)) fresh.push(f);
            const wants = db.preferences;
            if (!fresh.length || isQuiet(wants)) return;
            if (wants.sound) ring();
            if (!wants.browser || inUse() || globalThis.Notification?.permission !== "granted") return;
            const each = newestOfEach(fresh);
            if (each.length > MANY) show(words.current.t("notice.many", { n: each.length }), "", "sb-many");
            else for (const f of each)
                show(...wordsOf(f, reasonOf(f, me, wants), words.current), "sb-" + f.message.thread, threadHref(f.message.thread));
        };
        const hear = (heard) => {
            const frame = asNews(heard, db.threads);
            if (!reasonOf(frame, me, db.preferences)) return;
            const { thread, seq } = frame.message;
            if (inUse() && db.route.thread === thread) return void claim(storage, me, thread + ":" + seq);
            waiting.push(frame);
            timer ??= setTimeout(tell, inUse() ? SOON_MS : TOGETHER_MS);
        };
        desk.hearers.add(hear);
        return () => {
            desk.hearers.delete(hear);
            clearTimeout(timer);
        };
    }, []);
}
