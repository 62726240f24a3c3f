// message.jsx - the rows of a dialogue: messages with their ticks and files, notes, events, days, and
// what waits to be sent.
import { useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { Actions } from "./actions.jsx";
import { Attachments } from "./attachments.jsx";
import { useAgentName, useDesk, useStore, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { Whence } from "./goods.jsx";
import { Buttons, Forwarded, Kinds, Press, Quote, Who, wording } from "./kinds.jsx";
import { endsWithText, isBare, isEmpty, isHere, isMissing, lengthText, mayDo } from "./kinds.mjs";
import { shownStatus } from "./log.mjs";
import { Mail, Recipients, SentHead } from "./mail.jsx";
import { memo } from "./memo.mjs";
import { isSecond } from "./outbox.mjs";
import { Button, Confirm, Text } from "./parts.jsx";
import { Reactions, Versions } from "./reactions.jsx";
import { Rich } from "./rich.jsx";
import { wordsOf } from "./rich.mjs";
import { threadHref } from "./routes.mjs";
import { moment } from "./timeline.mjs";
import { picturesIn } from "./written.mjs";

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

// The time stands in the last line of the text: the gap keeps that room free.
function Gap({ wide, edited, waits }) {
    return <span class={`gap${wide ? " gap-wide" : ""}${edited ? " gap-edited" : ""}${waits ? " gap-waits" : ""}`} aria-hidden="true" />;
}

function Words({ message: m }) {
    const { html, text } = wording(m);
    if (!html && !text) return null;
    if (m.button && text === m.button.text) return <Press text={text} more={m.button.description} />;
    return (
        <div class={`msg-text${html ? " msg-rich" : ""}`} dir="auto">
            {html ? <Rich html={html} files={m.attachments} /> : <Text text={text} />}
            {endsWithText(m) && <Gap wide={m.direction === "out"} edited={Boolean(m.edited_at)} waits={m.change?.state === "queued"} />}
        </div>
    );
}

function rawName(type) {
    return plainName(type).replace(/_/g, " ");
}

function Body({ message: m, author, replied, jump, html, setHtml }) {
    const { t } = useWords();
    const inText = picturesIn(m.email ? null : wording(m).html);
    const files = m.attachments?.filter((f) => !(html && f.cid) && !inText.includes(f.id));
    return (
        <>
            {m.forward && <Forwarded forward={m.forward} />}
            <Whence message={m} />
            {(m.quote || m.reply_to) && <Quote quote={m.quote} replied={replied} jump={jump} />}
            {m.email ? <Mail message={m} html={html} setHtml={setHtml} /> : <SentHead message={m} />}
            {!m.email && !m.contact && <Words message={m} />}
            {m.button && wording(m).text !== m.button.text && <Press text={m.button.text} more={m.button.description} />}
            <Kinds message={m} />
            {!m.email && m.contact && <Words message={m} />}
            {files?.length > 0 && <Attachments list={files} author={author} />}
            {(m.buttons?.length > 0 || m.request) && <Buttons rows={m.buttons} request={m.request} />}
            {isEmpty(m) && <p class="msg-none">{m.raw_type ? t("msg.unsupported", { type: rawName(m.raw_type) }) : t("msg.empty")}</p>}
            {m.raw_type && !isEmpty(m) && !isMissing(m) && <p class="msg-raw" title={t("msg.rawHint")}>{rawName(m.raw_type)}</p>}
        </>
    );
}

// Who took it back; what it said stays readable.
function Deleted({ message }) {
    const { t, full, clock } = useWords();
    const agentName = useAgentName();
    const { deleted_by: by, deleted_at: at } = message;
    const text = !by ? t("msg.deleted") : by === "client" ? t("msg.deletedClient") : t("msg.deletedBy", { who: agentName(by) });
    return <p class="msg-gone" title={full(at)}><Icon name="trash" size={13} />{text}, {clock(at)}</p>;
}

// The line below the words: was it edited, when it came, how far it got.
function Foot({ message, author, status, openTrace }) {
    const { t, clock, full } = useWords();
    const [versions, setVersions] = useState(false);
    const at = moment(message);
    const { change } = message;
    const waits = change?.state === "queued" && t("change.queued." + change.what);
    return (
        <span class="msg-foot">
            {message.edited_at && (message.edits?.length
                ? <button type="button" class="msg-edited" title={full(message.edited_at)} onClick={() => setVersions(true)}>{t("msg.edited")}</button>
                : <span class="msg-edited" title={full(message.edited_at)}>{t("msg.edited")}</span>)}
            {waits && <span class="tick" role="img" aria-label={waits} title={waits}><Icon name="clock" size={13} /></span>}
            <button type="button" class="msg-meta" onClick={() => openTrace(message)} title={`${full(at)}. ${t("msg.trace")}`}
                aria-label={`${clock(at)}. ${t("msg.trace")}`}>
                <time dateTime={at}>{clock(at)}</time>
                {status && <Tick status={status} />}
            </button>
            {versions && <Versions message={message} author={author} onClose={() => setVersions(false)} />}
        </span>
    );
}

// A delivery that ended badly: why, and what can be done about it.
function Trouble({ message, status }) {
    const { t, why, reason } = useWords();
    const desk = useDesk();
    // Putting a given-up delivery back is for supervisors; an agent may write the same again.
    const mayRetry = useStore((db) => db.me?.role !== "agent");
    const [sure, setSure] = useState(false);
    const [busy, setBusy] = useState(false);
    const { text, title } = reason(message.error);
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
    const { html, reply_to, buttons, request, location, contact, subject, cc, bcc, reply_all, no_quote } = message;
    // What the channel gave back waits nowhere: it can only be sent as a new message.
    const late = Boolean(message.error?.late);
    const { name, language, values } = message.template ?? {};
    const template = name ? { name, language, values: values ?? {} } : undefined;
    const again = () => desk.sender.send(message.thread, { text: message.text ?? "", html, note: false, reply_to, buttons, request, location, contact,
        subject, cc, bcc, reply_all, no_quote, template,
        attachments: (message.attachments ?? []).filter(isHere), channel: message.channel });
    return (
        <div class="trouble" role={status === "failed" ? "alert" : undefined}>
            <p title={status === "unknown" ? undefined : title}>
                <strong>{t("msg.status." + status)}.</strong> {status === "unknown" ? t("msg.unknownHint") : text}
            </p>
            <div class="trouble-do">
                {status === "failed" && (late || !mayRetry) && <Button kind="quiet" icon="retry" onClick={again}>{t("msg.sendAgain")}</Button>}
                {status === "failed" && !late && mayRetry && <Button kind="quiet" icon="retry" disabled={busy} onClick={retry}>{t("msg.retry")}</Button>}
                {status === "unknown" && <Button kind="quiet" icon="retry" onClick={() => setSure(true)}>{t("msg.sendAgain")}</Button>}
            </div>
            {sure && (
                <Confirm title={t("msg.sendAgain")} text={t("msg.sendAgainSure")} action={t("msg.sendAgain")}
                    onYes={again} onClose={() => setSure(false)} />
            )}
        </div>
    );
}

// An edit, a deletion or a reaction of ours that the channel did not take, or not yet.
function ChangeTrouble({ change }) {
    const { t, reason } = useWords();
    if (!change?.error) return null;
    const { text, title } = reason(change.error);
    const failed = change.state === "failed";
    return (
        <p class={`msg-why${failed ? " msg-why-bad" : ""}`} role={failed ? "alert" : undefined} title={title}>
            {failed ? t("change.failed." + change.what, { why: text }) : t("msg.retrying", { why: text })}
        </p>
    );
}

export const MessageRow = memo(function MessageRow({ message, first, me, readSeq, deliveredSeq, openTrace, replied, jump, caps, current }) {
    const { t, full, reason } = useWords();
    const agentName = useAgentName();
    const { direction } = message;
    const out = direction === "out";
    const own = message.from?.agent === me;
    const status = out ? shownStatus(message, { client_read_seq: readSeq, client_delivered_seq: deliveredSeq }) : null;
    const author = message.rating ? t("msg.rating") : plainName(message.author?.name) || (direction === "in" ? plainName(message.from?.name) || t("msg.client")
        : own ? t("msg.you") : agentName(message.from?.agent) || plainName(message.from?.name) || t("msg.elsewhere"));
    const elsewhere = message.origin ? ` · ${message.origin.target}` : ""; // in which CRM it was written
    const at = moment(message);
    const trouble = status === "failed" || status === "unknown";
    const can = mayDo({ ...message, status: status ?? message.status }, caps, current);
    const bare = isBare(message);
    const [html, setHtml] = useState(false);
    const mail = message.email ? ` bubble-mail${html ? " bubble-html" : ""}` : "";
    const bubble = `bubble${endsWithText(message) ? " bubble-text" : ""}${bare ? " bubble-bare" : ""}${mail}`;
    const why = status === "queued" && message.error && reason(message.error);
    return (
        <article class={`msg msg-${direction}${own ? " msg-own" : ""}${first ? " msg-first" : ""}${trouble ? " msg-trouble" : ""}${message.deleted_at ? " msg-deleted" : ""}`}
            data-seq={message.seq} data-status={status ?? undefined} aria-label={t("msg.from", { who: author, at: full(at) })}>
            {first && direction !== "note" && (message.author || message.topic) && <Who author={message.author} topic={message.topic} />}
            <Actions message={message} can={can} me={me}>
                {(press) => (
                    <div class={bubble} {...press}>
                        {direction === "note" && first && <p class="msg-author"><Icon name="lock" size={13} />{author}{elsewhere} · {t("msg.note")}</p>}
                        {out && (!own || elsewhere) && first && !message.author && !bare && <p class="msg-author">{author}{elsewhere}</p>}
                        {message.template && <p class="msg-tag"><Icon name="template" size={13} />{t("msg.template", { name: message.template.name })}</p>}
                        {message.moved_from && <p class="msg-tag"><Icon name="merge" size={13} />{t("msg.movedFrom")}</p>}
                        {message.past && <p class="msg-tag"><Icon name="phone" size={13} />{t("msg.past")}</p>}
                        <Body message={message} author={author} replied={replied} jump={jump} html={html} setHtml={setHtml} />
                        {message.moved_to ? <p class="msg-tag"><a href={threadHref(message.moved_to)}>{t("msg.movedTo")}</a></p> : message.deleted_at && <Deleted message={message} />}
                        <Foot message={message} author={author} status={status} openTrace={openTrace} />
                    </div>
                )}
            </Actions>
            <Reactions message={message} me={me} may={can.react} />
            {trouble && <Trouble message={message} status={status} />}
            <Recipients list={message.recipients?.filter((r) => !trouble || r.status !== "queued")} />
            {why && <p class="msg-why" title={why.title}>{t("msg.retrying", { why: why.text })}</p>}
            {out && status === "sent" && message.held && (
                <p class="msg-why">{t(["quality", "paused"].includes(message.held) ? "msg.held." + message.held : "msg.held.other")}</p>
            )}
            <ChangeTrouble change={message.change} />
        </article>
    );
});

// Not in the thread yet: what this page has sent or still has to send.
export const EntryRow = memo(function EntryRow({ entry, first, replied }) {
    const { t, clock, why, reason } = useWords();
    const desk = useDesk();
    const agentName = useAgentName();
    const second = isSecond(entry.error);
    const failed = entry.state === "failed";
    const status = failed ? "failed" : entry.state === "sending" ? "sending" : "waiting";
    // What was begun meanwhile stays below; a note stays a note.
    const edit = () => {
        const draft = desk.db.drafts.get(entry.thread), begun = draft?.text;
        const words = entry.html ? wordsOf(entry.html) : entry.text;
        desk.sender.drop(entry.key);
        desk.draft(entry.thread, begun ? words + "\n" + begun : words, entry.note || (begun && draft.note), { given: true, html: begun ? null : entry.html });
        desk.compose(entry.thread, { reply: replied ?? null, request: entry.request, choices: entry.buttons?.map(([b]) => b.text),
            subject: entry.subject, cc: entry.cc?.join(", "), bcc: entry.bcc?.join(", "), all: entry.reply_all, noQuote: entry.no_quote });
    };
    const files = entry.attachments.filter((f) => !picturesIn(entry.html).includes(f.id));
    const ends = !files.length && !entry.buttons && !entry.request && !entry.location && !entry.contact;
    return (
        <article class={`msg msg-${entry.note ? "note" : "out"} msg-own msg-entry${first ? " msg-first" : ""}${failed ? " msg-trouble" : ""}`}
            data-key={entry.key} data-status={status} aria-label={t("msg.status." + status)}>
            <div class="bubble-row">
                <div class={`bubble${ends ? " bubble-text" : ""}`}>
                    {entry.template && <p class="msg-tag"><Icon name="template" size={13} />{t("msg.template", { name: entry.template.name })}</p>}
                    {entry.reply_to && <Quote replied={replied} />}
                    <SentHead message={entry} />
                    {(entry.html || entry.text) && (
                        <div class={`msg-text${entry.html ? " msg-rich" : ""}`} dir="auto">
                            {entry.html ? <Rich html={entry.html} files={entry.attachments} /> : <Text text={entry.text} />}{ends && <Gap wide />}
                        </div>
                    )}
                    <Kinds message={entry} />
                    {files.length > 0 && <Attachments list={files} author={t("msg.you")} />}
                    {(entry.buttons || entry.request) && <Buttons rows={entry.buttons} request={entry.request} />}
                    <span class="msg-foot"><span class="msg-meta"><time>{clock(entry.at)}</time><Tick status={status} /></span></span>
                </div>
            </div>
            {failed && (
                <div class="trouble" role="alert">
                    {second ? <p><strong>{t("msg.second")}</strong> {reason({ text: entry.error.text.replace(/^\S+/, agentName) }).text}</p>
                        : <p><strong>{t("msg.status.failed")}.</strong> {why(entry.error)}</p>}
                    <div class="trouble-do">
                        {second ? <Button kind="quiet" icon="send" onClick={() => desk.sender.anyway(entry.key)}>{t("msg.anyway")}</Button>
                            : <Button kind="quiet" icon="retry" onClick={() => desk.sender.retry(entry.key)}>{t("msg.retry")}</Button>}
                        {(entry.html || entry.text) && !files.length && !entry.template && <Button kind="quiet" icon="edit" onClick={edit}>{t("msg.edit")}</Button>}
                        <Button kind="quiet" icon="x" onClick={() => desk.sender.drop(entry.key)}>{t("msg.discard")}</Button>
                    </div>
                </div>
            )}
            {!failed && entry.error && <p class="msg-why">{t("msg.retrying", { why: why(entry.error) })}</p>}
        </article>
    );
});

const HAPPENED = ["blocked", "unblocked", "joined", "left", "title", "topic", "pinned", "migrated", "service", "linked",
    "call_in", "call_out", "call_ended", "call_missed", "call_unanswered", "calls_allowed", "calls_refused",
    "marketing_stop", "marketing_resume", "moved", "opened", "undelivered", "by_email", "email_known"];
// Our own words say it all.
const TOLD = ["blocked", "unblocked", "call_in", "call_out", "call_ended", "call_missed", "call_unanswered",
    "calls_allowed", "calls_refused", "marketing_stop", "marketing_resume", "moved", "opened"];

// {text, more?}: more is what the channel itself says of it.
function eventText(e, t, name, dueAt) {
    const by = e.rule ? t("event.rule", { name: plainName(e.rule.name) }) : e.by ? name(e.by) : t("event.system");
    switch (e.type) {
    case "created":
        return t("event.created");
    case "assigned":
        if (!e.to) return t("event.unassigned", { by });
        return e.to === e.by ? t("event.assignedSelf", { by }) : t("event.assigned", { by, to: name(e.to) });
    case "state":
        if (e.to === "open" && !e.by && !e.rule) return t("event.state.woke");
        if (e.why === "silence") return t("event.silence", { name: plainName(e.policy?.name) });
        return ["open", "closed", "snoozed"].includes(e.to) ? t("event.state." + e.to, { by }) : t("event.other", { type: "state" });
    case "sla":
        return t("event.sla." + (e.step === "late" ? "late" : "soon"), { name: plainName(e.policy?.name), at: dueAt(e.due) });
    case "labels":
        return e.labels?.length ? t("event.labels", { by, labels: e.labels.map(plainName).join(", ") }) : t("event.labelsNone", { by });
    case "blocked":
        return t(e.on ? "event.blocked" : "event.unblocked", { by });
    case "merged":
        return t("event.merged", { by });
    case "unmerged":
        return t(e.into ? "event.unmergedInto" : "event.unmerged", { by });
    case "erased":
        return t("event.erased", { by });
    case "client":
        return t("event.client", { by });
    case "channel":
        if (e.what === "moved" && e.phone) return t("event.channel.movedTo", { phone: plainName(e.phone) });
        return t("event.channel." + (HAPPENED.includes(e.what) ? e.what : "service"), { length: lengthText(e.seconds) });
    case "rating":
        return t(e.replaces ? "event.ratingAgain" : "event.rating", { score: Number(e.score) || 0, of: Number(e.of) || 0 });
    case "rule":
        return t("event.rule." + (e.what === "nobody" ? "nobody" : "not_sent"), { by });
    case "page":
        return t("event.page", { name: plainName(e.name) });
    default:
        return t("event.other", { type: plainName(e.type) });
    }
}

// What a site's page has told along with its event: "sum: 1200, currency: RUB".
function dataText(data) {
    if (!data || typeof data !== "object") return "";
    return Object.entries(data).map(([key, value]) => `${plainName(key)}: ${plainName(String(value))}`).join(", ");
}

// Why a rule did it: on what, and which of its conditions held.
const NO_WORDS = ["true", "false", "first", "known"];
function whyText(rule, t, lang) {
    const quoted = (words) => (lang === "ru" ? `«${words}»` : `“${words}”`);
    const held = rule.why.filter((w) => !NO_WORDS.includes(w.value)).map((w) => (w.is === "any" || w.is === "all" ? quoted(plainName(w.value)) : plainName(w.value)));
    return t("event.because", { why: [t("why." + rule.on, { n: Math.round((rule.after ?? 0) / 6) / 10 }), ...held].join(", ") });
}

export const EventRow = memo(function EventRow({ message }) {
    const { t, lang, clock, full, soon, reason } = useWords();
    const name = useAgentName();
    const at = moment(message);
    const e = message.event ?? {};
    const text = eventText(e, t, name, soon) + (e.rule ? ", " + whyText(e.rule, t, lang) : "");
    const more = e.type === "rating" ? plainName(e.comment) : e.type === "page" ? dataText(e.data) : e.type !== "channel" && e.type !== "rule" ? "" : e.what === "undelivered" ? reason({ text: plainName(e.text) }).text : plainName(e.text);
    const told = TOLD.includes(e.what) || more.replace(/\.$/, "") === text;
    return (
        <p class="event" data-seq={message.seq} title={told && more ? more : undefined}>
            <span>{text}</span>{more && !told && <span class="event-more" dir="auto">{more}</span>} <time dateTime={at} title={full(at)}>{clock(at)}</time>
        </p>
    );
});
