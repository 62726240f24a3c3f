// log.jsx - the messages: days, groups, ticks, files; older ones at the top, typing at the bottom.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { linkify } from "../shared/links.mjs";
import { fileSize } from "../shared/size.mjs";
import { clock, dayMark, dayOf, full, toMs } from "../shared/time.mjs";
import { Answers, Away, Rating } from "./about.jsx";
import { IconAlert, IconClock, IconDown, IconFile, IconTick, IconTicks } from "./icons.jsx";

const GROUP_MS = 5 * 60000;
const NEAR = 80;

function Text({ text }) {
    return (
        <p class="text" dir="auto">
            {linkify(text).map((part) => part.href
                ? <a href={part.href} target="_blank" rel="noopener noreferrer nofollow ugc">{part.text}</a> : part.text)}
        </p>
    );
}

function File({ file, who, i18n, t, onLoad }) {
    const shown = file.kind === "image" && file.url;
    const size = fileSize(i18n.lang, file.size, i18n.catalogue.units);
    const label = shown ? t("imageFrom", { name: file.name, who }) : `${t("download", { name: file.name })}, ${size}`;
    if (shown)
        return (
            <a class="image" href={file.url} target="_blank" rel="noopener noreferrer">
                <img src={file.url} alt={label} loading="lazy" onLoad={onLoad} />
            </a>
        );
    return (
        <a class="file" href={file.url} target="_blank" rel="noopener noreferrer" aria-label={label}>
            <IconFile size={26} />
            <span><b>{file.name}</b> <small>{size}</small></span>
        </a>
    );
}

function Tick({ m, chat, t }) {
    if (m.state === "failed") return <span class="tick bad"><IconAlert /><span class="quiet">{t("failed")}</span></span>;
    if (m.state) return <span class="tick"><IconClock /><span class="quiet">{t("sending")}</span></span>;
    const read = m.seq <= chat.agentsRead || m.status === "read";
    return <span class={"tick" + (read ? " read" : "")}>{read ? <IconTicks /> : <IconTick />}<span class="quiet">{t(read ? "read" : "sent")}</span></span>;
}

function Message({ m, first, last, chat, i18n, t, onLoad }) {
    const own = m.direction !== "out";
    const who = own ? t("you") : m.from.name || t("agent");
    const files = m.attachments ?? m.files ?? [];
    const images = files.length > 0 && !m.text && files.every((f) => f.kind === "image");
    return (
        <div class={`message ${own ? "own" : "their"}${first ? " first" : ""}${last ? " last" : ""}${m.state === "failed" ? " lost" : ""}`} data-seq={m.seq} data-cid={m.cid}>
            {first && !own ? <span class="name">{who}</span> : <span class="quiet">{who}: </span>}
            <div class={"bubble" + (images ? " bare" : "")}>
                {files.map((f) => <File key={f.id} file={f} who={who} i18n={i18n} t={t} onLoad={onLoad} />)}
                {m.text && <Text text={m.text} />}
                <span class="meta">
                    <time datetime={m.at} title={full(i18n.lang, m.at)}>{clock(i18n.lang, m.at)}</time>
                    {own && <Tick m={m} chat={chat} t={t} />}
                </span>
            </div>
            {m.state === "failed" && (
                <div class="lost-actions" role="alert">
                    <span>{m.detail || t("failed")}</span>
                    <button type="button" onClick={() => chat.retry(m.cid)}>{t("retry")}</button>
                    <button type="button" onClick={() => chat.discard(m.cid)}>{t("discard")}</button>
                </div>
            )}
        </div>
    );
}

// Messages with the marks of days between them, and who begins and ends a group.
function rows(list, i18n, t) {
    const words = { today: t("today"), yesterday: t("yesterday") };
    const out = [];
    list.forEach((m, i) => {
        const before = list[i - 1], after = list[i + 1];
        const near = (a, b) => a && b && a.direction === b.direction && a.from?.name === b.from?.name &&
            dayOf(toMs(a.at)) === dayOf(toMs(b.at)) && toMs(b.at) - toMs(a.at) < GROUP_MS;
        if (!before || dayOf(toMs(before.at)) !== dayOf(toMs(m.at)))
            out.push({ key: "day" + dayOf(toMs(m.at)), day: dayMark(i18n.lang, m.at, words) });
        out.push({ key: m.key ?? m.cid ?? m.id, m, first: !near(before, m), last: !near(m, after) });
    });
    return out;
}

function Greeting({ chat, t }) {
    return (
        <div class="greeting">
            <p class="hello">{chat.options.greeting || t("greeting")}</p>
            <p>{t("hint")}</p>
        </div>
    );
}

const MESSENGERS = { telegram: "Telegram", whatsapp: "WhatsApp" };

export const doorName = (door) => MESSENGERS[door.connector] ?? door.title;

// What became of the wish to go on in a messenger; a button where the browser would not open it.
function Leaving({ leaving, chat, t }) {
    const { state, url } = leaving;
    const name = doorName(leaving);
    return (
        <div class="system" role="status">
            {state === "asked" && <p>{t("continueAsked", { name })}</p>}
            {(state === "open" || state === "blocked") && <p>{t("continueDone", { name })}</p>}
            {state === "blocked" && <a class="door" href={url} target="_blank" rel="noopener noreferrer">{t("continueOpen", { name })}</a>}
            {state === "failed" && (
                <p>{t("continueFailed", { name })} <button type="button" onClick={() => chat.continueIn(leaving)}>{t("retry")}</button></p>
            )}
        </div>
    );
}

export function Log({ chat, i18n, t, disabled }) {
    const box = useRef();
    const at = useRef({ bottom: true, height: 0, top: 0, last: 0 });
    const [away, setAway] = useState(false);
    const list = [...chat.messages, ...chat.outbox.map((m) => ({ ...m, direction: "in", from: { name: "" }, key: m.cid }))];
    const lastKey = list.length ? list[list.length - 1].key : "";

    const written = useRef(false);
    written.current = list.length > 0;
    // Before the first message it is read from the top.
    const toEnd = () => {
        box.current.scrollTop = written.current ? box.current.scrollHeight : 0;
    };
    const onScroll = () => {
        const b = box.current;
        at.current.bottom = b.scrollHeight - b.scrollTop - b.clientHeight < NEAR;
        setAway(!at.current.bottom);
        if (b.scrollTop < NEAR && chat.more) chat.older();
    };
    // Older messages do not move what is being read; new ones are followed only from the end.
    useLayoutEffect(() => {
        const b = box.current;
        const was = at.current;
        const firstSeq = chat.messages[0]?.seq ?? 0;
        const own = list.length > 0 && list[list.length - 1].direction !== "out" && lastKey !== was.last;
        const asks = (chat.leaving?.id ?? "") + chat.asksRating();
        const leaves = asks !== (was.left ?? "false");
        if (was.firstSeq && firstSeq < was.firstSeq) b.scrollTop += b.scrollHeight - was.height;
        else if (was.bottom || own || leaves) toEnd();
        Object.assign(was, { height: b.scrollHeight, firstSeq, last: lastKey, left: asks });
    });
    useEffect(() => {
        const watch = new ResizeObserver(() => at.current.bottom && toEnd());
        watch.observe(box.current);
        return () => watch.disconnect();
    }, []);
    const skeleton = !chat.loaded && chat.token && !list.length && !chat.refused;
    return (
        <div class="log-box">
            <div class="log" ref={box} onScroll={onScroll} tabindex="0" role="log" aria-live={chat.loadingOlder ? "off" : "polite"}
                aria-relevant="additions" aria-label={t("log")}>
                {chat.more && <button type="button" class="older" onClick={() => chat.older()}>{t(chat.loadingOlder ? "loading" : "older")}</button>}
                {skeleton && <div class="skeleton" aria-hidden="true"><i /><i /><i /></div>}
                {!list.length && !skeleton && <><Greeting chat={chat} t={t} /><Answers chat={chat} t={t} disabled={disabled} /></>}
                {rows(list, i18n, t).map((r) => r.day
                    ? <div class="day" key={r.key}><span>{r.day}</span></div>
                    : <Message key={r.key} {...r} chat={chat} i18n={i18n} t={t} onLoad={() => at.current.bottom && toEnd()} />)}
                <Away chat={chat} t={t} />
                <Rating chat={chat} t={t} />
                {chat.leaving && <Leaving leaving={chat.leaving} chat={chat} t={t} />}
                <div class="typing" role="status">
                    {chat.typing && <><span class="quiet">{t("agent")} {t("typing")}</span><span class="dots" aria-hidden="true"><i /><i /><i /></span></>}
                </div>
            </div>
            {away && list.length > 0 && <button type="button" class="to-end" aria-label={t("newer")} onClick={toEnd}><IconDown /></button>}
        </div>
    );
}
