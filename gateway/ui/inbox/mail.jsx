// mail.jsx - an e-mail in a dialogue: who wrote it to whom, what is doubtful about it, its words with
// older mail folded away, and its HTML one press away.
import { useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { api } from "./api.mjs";
import { useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { answersElsewhere, doubt, fates, foldText, mailboxes, mailboxText } from "./mail.mjs";
import { MailHtml } from "./mail_frame.jsx";
import { Text } from "./parts.jsx";
import { threadHref } from "./routes.mjs";

const NOTES = ["parts_cut", "depth_cut", "headers_cut", "headers_broken", "base64_repaired", "no_date", "bad_date", "no_from", "bad_from",
    "several_from", "charset_guessed", "encrypted", "signed", "calendar", "tnef", "archive", "raw_text", "text_from_html", "text_cut",
    "html_cut", "mail_cut", "quarantined", "name_marks", "name_path", "header_marks", "subject_markup", "nul_bytes", "copy_of"];
const AUTOS = ["reply", "bulk", "list", "bounce"];

// Names lie: the address always stands beside them.
function Mailbox({ box }) {
    return (
        <span class="mailbox">
            {box.name && <b dir="auto">{box.name}</b>}
            {box.name && box.address && " "}
            {box.address && <span class="mail-address">{box.name ? `<${box.address}>` : box.address}</span>}
        </span>
    );
}

function People({ label, list }) {
    const all = mailboxes(list);
    if (!all.length) return null;
    return (
        <>
            <dt>{label}</dt>
            <dd>{all.map((box, i) => <span key={i}>{i > 0 && ", "}<Mailbox box={box} /></span>)}</dd>
        </>
    );
}

function Badge({ kind, icon, title, children }) {
    return <span class={`mail-badge mail-badge-${kind}`} title={title}><Icon name={icon} size={14} />{children}</span>;
}

function noteText(t, word) {
    return NOTES.includes(word) ? t("mail.note." + word) : plainName(word).replace(/_/g, " ");
}

function Badges({ mail }) {
    const { t } = useWords();
    const bad = doubt(mail.auth);
    const said = ["dmarc", "spf", "dkim"].filter((n) => mail.auth?.[n]).map((n) => `${n.toUpperCase()}: ${plainName(mail.auth[n])}`).join(", ");
    const auto = AUTOS.includes(mail.auto) && mail.auto;
    const notes = [...new Set([...(mail.notes ?? []), ...(mail.text_cut ? ["text_cut"] : []), ...(mail.copy_of ? ["copy_of"] : [])])];
    if (!bad && !auto && !notes.length) return null;
    return (
        <p class="mail-badges">
            {bad && <Badge kind="bad" icon="warn" title={said}>{t("mail.doubt." + bad)}</Badge>}
            {auto && <Badge kind="auto" icon="retry">{t("mail.auto." + auto)}</Badge>}
            {notes.map((word) => <Badge key={word} kind="note" icon="note">{noteText(t, word)}</Badge>)}
        </p>
    );
}

function Details({ message }) {
    const { t, full } = useWords();
    const { email: mail } = message;
    const auth = ["dmarc", "spf", "dkim"].filter((n) => mail.auth?.[n]);
    return (
        <dl class="mail-details">
            <People label={t("mail.from")} list={mail.from} />
            <People label={t("mail.replyTo")} list={mail.reply_to} />
            <People label={t("mail.to")} list={mail.to} />
            <People label={t("mail.cc")} list={mail.cc} />
            {message.sent_at && <><dt>{t("mail.date")}</dt><dd>{full(message.sent_at)}</dd></>}
            {auth.length > 0 && <><dt>{t("mail.auth")}</dt><dd>{auth.map((n) => `${n.toUpperCase()} ${plainName(mail.auth[n])}`).join(" · ")}</dd></>}
            {mail.message_id && <><dt>Message-ID</dt><dd class="mail-address">{plainName(mail.message_id)}</dd></>}
        </dl>
    );
}

function Warnings({ mail }) {
    const { t } = useWords();
    const elsewhere = answersElsewhere(mail);
    return (
        <>
            {mail.warning === "stranger" && (
                <p class="mail-warning"><Icon name="warn" size={16} /><span>{t("mail.stranger")} {mail.related && <a href={threadHref(mail.related)}>{t("mail.related")}</a>}</span></p>
            )}
            {elsewhere.length > 0 && (
                <p class="mail-warning mail-warning-soft"><Icon name="reply" size={16} /><span>{t("mail.elsewhere", { who: elsewhere.map(mailboxText).join(", ") })}</span></p>
            )}
        </>
    );
}

function Head({ message, tools }) {
    const { t } = useWords();
    const [open, setOpen] = useState(false);
    const { email: mail } = message;
    const to = [...mailboxes(mail.to), ...mailboxes(mail.cc)];
    const first = to.slice(0, 2).map((m) => m.address || m.name).join(", ");
    return (
        <header class="mail-head">
            {message.subject && <h3 class="msg-subject" dir="auto">{plainName(message.subject)}</h3>}
            {!open && (
                <p class="mail-people">
                    {mailboxes(mail.from).map((box, i) => <span key={i}>{i > 0 && ", "}<Mailbox box={box} /></span>)}
                    {first && <span class="mail-to"> {t("mail.toWhom", { who: to.length > 2 ? t("mail.more", { who: first, n: to.length - 2 }) : first })}</span>}
                </p>
            )}
            <div class="mail-tools">
                <button type="button" class="mail-more" aria-expanded={open} onClick={() => setOpen(!open)}>{t(open ? "mail.less" : "mail.details")}</button>
                {tools}
            </div>
            {open && <Details message={message} />}
            <Warnings mail={mail} />
            <Badges mail={mail} />
        </header>
    );
}

function Words({ message }) {
    const { t } = useWords();
    const { own, rest, kind } = foldText(message.text ?? "", message.email);
    const [open, setOpen] = useState(false);
    if (!own && !rest) return <p class="msg-none">{t("mail.noText")}</p>;
    return (
        <>
            <div class="msg-text" dir="auto"><Text text={own} /></div>
            {rest && (
                <button type="button" class="mail-fold" aria-expanded={open} onClick={() => setOpen(!open)}>
                    <Icon name="more" size={16} />{t(`mail.${open ? "hide" : "show"}.${kind}`)}
                </button>
            )}
            {open && <div class="mail-quoted" dir="auto"><Text text={rest} /></div>}
        </>
    );
}

function Tools({ mail, html, setHtml }) {
    const { t } = useWords();
    return (
        <>
            {mail.source && (
                <a class="mail-source" href={api.mediaUrl(mail.source, true)} download="mail.eml" title={t("mail.source")} aria-label={t("mail.source")}>
                    <Icon name="download" size={15} /><span>{t("mail.original")}</span>
                </a>
            )}
            {mail.html && (
                <span class="modes" role="radiogroup" aria-label={t("mail.view")}>
                    {[false, true].map((h) => (
                        <button key={String(h)} type="button" role="radio" aria-checked={html === h} onClick={() => setHtml(h)}>
                            {t(h ? "mail.html" : "mail.text")}
                        </button>
                    ))}
                </span>
            )}
        </>
    );
}

// An automatic reply says nothing that waits for an answer: its words are folded.
export function Mail({ message, html, setHtml }) {
    const { t } = useWords();
    const { email: mail } = message;
    const folded = mail.auto === "reply";
    const [open, setOpen] = useState(false);
    const choose = (h) => {
        setOpen(true);
        setHtml(h);
    };
    return (
        <>
            <Head message={message} tools={<Tools mail={mail} html={html} setHtml={choose} />} />
            {folded && (
                <button type="button" class="mail-fold" aria-expanded={open} onClick={() => setOpen(!open)}>
                    <Icon name="more" size={16} />{t(open ? "mail.hide.auto" : "mail.show.auto")}
                </button>
            )}
            {(!folded || open) && (
                html && mail.html ? <MailHtml message={message} /> : <Words message={message} />
            )}
        </>
    );
}

// What became of each recipient of a mail of ours: who has it in one line, the others one by one with what
// the server said.
export function Recipients({ list }) {
    const { t, reason } = useWords();
    const lines = fates(list);
    return lines.length > 0 && (
        <ul class="fates">
            {lines.map(({ status, icon, who, why }) => (
                <li key={status + who} class={`fate fate-${status}`}><Icon name={icon} size={13} /><span>{t("mail.fate." + status, { who })}{why && ": " + reason({ text: why }).text}</span></li>
            ))}
        </ul>
    );
}

// What a mail of ours has above its words.
export function SentHead({ message: m }) {
    const { t } = useWords();
    return (
        <>
            {m.subject && <p class="msg-subject" dir="auto">{plainName(m.subject)}</p>}
            {(m.cc?.length > 0 || m.bcc?.length > 0 || m.reply_all) && (
                <p class="mail-people">
                    {m.reply_all && <span class="mail-copy">{t("mail.all")}</span>}
                    {m.cc?.length > 0 && <span class="mail-copy">{t("mail.cc")}: {m.cc.map(plainName).join(", ")}</span>}
                    {m.bcc?.length > 0 && <span class="mail-copy">{t("mail.bcc")}: {m.bcc.map(plainName).join(", ")}</span>}
                </p>
            )}
        </>
    );
}
