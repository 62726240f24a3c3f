// message.jsx - the rows of a dialogue: messages with their ticks and files, notes, events, days, and
// what waits to be sent.
import { useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { Attachments } from "./attachments.jsx";
import { useAgentName, useDesk, useStore, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { shownStatus } from "./log.mjs";
import { memo } from "./memo.mjs";
import { Button, Confirm, Text } from "./parts.jsx";
import { moment } from "./timeline.mjs";

export function DayRow({ at }) {
    const { day } = useWords();
    return <div class="day" role="separator"><span>{day(at)}</span></div>;
}

export function NewRow() {
    const { t } = useWords();
    return <div class="new-mark" role="separator"><span>{t("thread.new")}</span></div>;
}

export function Tick({ status }) {
    const { t } = useWords();
    const label = t("msg.status." + status);
    const two = status === "delivered" || status === "read";
    return (
        <span class={`tick tick-${status}`} role="img" aria-label={label} title={label}>
            {status === "failed" || status === "unknown" ? <Icon name="warn" size={14} />
                : status === "queued" || status === "sending" || status === "waiting" ? <Icon name="clock" size={13} />
                    : (
                        <svg width={two ? 18 : 13} height="12" viewBox={two ? "0 0 18 12" : "0 0 13 12"} fill="none"
                            stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
                            <path d="M1.5 6.5 4.5 9.5 11 2.5" />
                            {two && <path d="M8.5 9.3l.3.2L15.8 2.5" />}
                        </svg>
                    )}
        </span>
    );
}

// Mail may have come as HTML only: its words, without its markup. The parser runs nothing and
// loads nothing.
function wordsOf(html) {
    const body = new DOMParser().parseFromString(html, "text/html").body;
    for (const el of body.querySelectorAll("style, script, title")) el.remove();
    for (const el of body.querySelectorAll("br, p, div, li, tr, h1, h2, h3")) el.append("\n");
    return body.textContent.replace(/[ \t]+/g, " ").replace(/ ?\n ?/g, "\n").replace(/\n{3,}/g, "\n\n").trim();
}

// The time stands in the last line of the text when there is room: the gap keeps that room free.
function endsWithText(m) {
    return Boolean((m.text || m.html) && !m.deleted_at && !m.attachments?.length && !m.location && !m.contact);
}

function Gap({ wide }) {
    return <span class={`gap${wide ? " gap-wide" : ""}`} aria-hidden="true" />;
}

function Body({ message }) {
    const { t } = useWords();
    if (message.deleted_at) return <p class="msg-none">{t("msg.deleted")}</p>;
    const text = message.text || (message.html ? wordsOf(message.html) : "");
    const { location: place, contact, attachments } = message;
    const nothing = !text && !attachments?.length && !place && !contact;
    return (
        <>
            {message.subject && <p class="msg-subject">{t("msg.subject", { subject: plainName(message.subject) })}</p>}
            {text && (
                <div class="msg-text" dir="auto">
                    <Text text={text} />{endsWithText(message) && <Gap wide={message.direction === "out"} />}
                </div>
            )}
            {place && (
                <p class="msg-extra">{t("msg.location")}: {plainName(place.name)} {Number(place.lat)}, {Number(place.lon)}</p>
            )}
            {contact && <p class="msg-extra">{t("msg.contact")}: {plainName(contact.name)} {plainName(contact.phone)}</p>}
            {nothing && (
                <p class="msg-none">{message.raw_type ? t("msg.unsupported", { type: message.raw_type }) : t("msg.empty")}</p>
            )}
        </>
    );
}

// A delivery that ended badly: why, and what can be done about it.
function Trouble({ message, status }) {
    const { t, why } = useWords();
    const desk = useDesk();
    // Putting a given-up delivery back is for supervisors; an agent may write the same again.
    const mayRetry = useStore((db) => db.me?.role !== "agent");
    const [sure, setSure] = useState(false);
    const [busy, setBusy] = useState(false);
    const reason = message.error?.text || message.error?.code || "";
    const retry = async () => {
        setBusy(true);
        try {
            const found = await desk.retryDelivery(message);
            desk.toast(found ? t("msg.retried") : t("msg.notDead"), found ? "good" : "error");
        } catch (e) {
            desk.toast(t("change.failed", { why: why(e) }));
        }
        setBusy(false);
    };
    const again = () => desk.sender.send(message.thread, { text: message.text ?? "", note: false,
        attachments: message.attachments ?? [], channel: message.channel });
    return (
        <div class="trouble" role={status === "failed" ? "alert" : undefined}>
            <p>
                <strong>{t("msg.status." + status)}.</strong> {status === "unknown" ? t("msg.unknownHint") : reason}
            </p>
            <div class="trouble-do">
                {status === "failed" && !mayRetry && <Button kind="quiet" icon="retry" onClick={again}>{t("msg.sendAgain")}</Button>}
                {status === "failed" && mayRetry && <Button kind="quiet" icon="retry" disabled={busy} onClick={retry}>{t("msg.retry")}</Button>}
                {status === "unknown" && <Button kind="quiet" icon="retry" onClick={() => setSure(true)}>{t("msg.sendAgain")}</Button>}
            </div>
            {sure && (
                <Confirm title={t("msg.sendAgain")} text={t("msg.sendAgainSure")} action={t("msg.sendAgain")}
                    onYes={again} onClose={() => setSure(false)} />
            )}
        </div>
    );
}

export const MessageRow = memo(function MessageRow({ message, first, me, readSeq, deliveredSeq, openTrace }) {
    const { t, clock, full } = useWords();
    const agentName = useAgentName();
    const { direction } = message;
    const out = direction === "out";
    const own = message.from?.agent === me;
    const status = out ? shownStatus(message, { client_read_seq: readSeq, client_delivered_seq: deliveredSeq }) : null;
    const author = direction === "in" ? plainName(message.from?.name) || t("msg.client")
        : own ? t("msg.you") : agentName(message.from?.agent) || plainName(message.from?.name);
    const at = moment(message);
    const trouble = status === "failed" || status === "unknown";
    return (
        <article class={`msg msg-${direction}${own ? " msg-own" : ""}${first ? " msg-first" : ""}${trouble ? " msg-trouble" : ""}`}
            data-seq={message.seq} data-status={status ?? undefined} aria-label={t("msg.from", { who: author, at: full(at) })}>
            <div class={`bubble${endsWithText(message) ? " bubble-text" : ""}`}>
                {direction === "note" && first && <p class="msg-author"><Icon name="lock" size={13} />{author} · {t("msg.note")}</p>}
                {out && !own && first && <p class="msg-author">{author}</p>}
                <Body message={message} />
                {message.attachments?.length > 0 && <Attachments list={message.attachments} author={author} />}
                <button type="button" class="msg-meta" onClick={() => openTrace(message)} title={`${full(at)}. ${t("msg.trace")}`}
                    aria-label={`${clock(at)}. ${t("msg.trace")}`}>
                    {message.edited_at && <span>{t("msg.edited")}</span>}
                    <time dateTime={at}>{clock(at)}</time>
                    {status && <Tick status={status} />}
                </button>
            </div>
            {trouble && <Trouble message={message} status={status} />}
            {status === "queued" && message.error && <p class="msg-why">{t("msg.retrying", { why: message.error.text || message.error.code })}</p>}
        </article>
    );
});

// Not in the thread yet: what this page has sent or still has to send.
export const EntryRow = memo(function EntryRow({ entry, first }) {
    const { t, clock, why } = useWords();
    const desk = useDesk();
    const failed = entry.state === "failed";
    const status = failed ? "failed" : entry.state === "sending" ? "sending" : "waiting";
    const edit = () => {
        desk.sender.drop(entry.key);
        desk.draft(entry.thread, entry.text, entry.note, true);
    };
    return (
        <article class={`msg msg-${entry.note ? "note" : "out"} msg-own msg-entry${first ? " msg-first" : ""}${failed ? " msg-trouble" : ""}`}
            data-key={entry.key} data-status={status} aria-label={t("msg.status." + status)}>
            <div class={`bubble${entry.attachments.length ? "" : " bubble-text"}`}>
                {entry.text && <div class="msg-text" dir="auto"><Text text={entry.text} />{!entry.attachments.length && <Gap wide />}</div>}
                {entry.attachments.length > 0 && <Attachments list={entry.attachments} author={t("msg.you")} />}
                <span class="msg-meta"><time>{clock(entry.at)}</time><Tick status={status} /></span>
            </div>
            {failed && (
                <div class="trouble" role="alert">
                    <p><strong>{t("msg.status.failed")}.</strong> {why(entry.error)}</p>
                    <div class="trouble-do">
                        <Button kind="quiet" icon="retry" onClick={() => desk.sender.retry(entry.key)}>{t("msg.retry")}</Button>
                        {entry.text && !entry.attachments.length && <Button kind="quiet" icon="edit" onClick={edit}>{t("msg.edit")}</Button>}
                        <Button kind="quiet" icon="x" onClick={() => desk.sender.drop(entry.key)}>{t("msg.discard")}</Button>
                    </div>
                </div>
            )}
            {!failed && entry.error && <p class="msg-why">{t("msg.retrying", { why: why(entry.error) })}</p>}
        </article>
    );
});

function eventText(e, t, name) {
    const by = e.by ? name(e.by) : t("event.system");
    switch (e.type) {
    case "created":
        return t("event.created");
    case "assigned":
        if (!e.to) return t("event.unassigned", { by });
        return e.to === e.by ? t("event.assignedSelf", { by }) : t("event.assigned", { by, to: name(e.to) });
    case "state":
        if (e.to === "open" && !e.by) return t("event.state.woke");
        return ["open", "closed", "snoozed"].includes(e.to) ? t("event.state." + e.to, { by }) : t("event.other", { type: "state" });
    case "labels":
        return e.labels?.length ? t("event.labels", { by, labels: e.labels.map(plainName).join(", ") }) : t("event.labelsNone", { by });
    case "merged":
        return t("event.merged", { by });
    case "client":
        return t("event.client", { by });
    default:
        return t("event.other", { type: plainName(e.type) });
    }
}

export const EventRow = memo(function EventRow({ message }) {
    const { t, clock, full } = useWords();
    const name = useAgentName();
    const at = moment(message);
    return (
        <p class="event" data-seq={message.seq}>
            <span>{eventText(message.event ?? {}, t, name)}</span> <time dateTime={at} title={full(at)}>{clock(at)}</time>
        </p>
    );
});
