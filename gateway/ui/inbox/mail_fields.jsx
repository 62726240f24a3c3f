// mail_fields.jsx - what an answer by e-mail has beside its words: whom it goes to, its subject, and
// what it quotes.
import { useMemo, useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { useDesk, useStore, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { answerTo, answeredMail, mailFields, mailboxText, newestMail, parseAddresses, replySubject } from "./mail.mjs";

const NO_ITEMS = [];
const CLEAR = { subject: null, cc: null, bcc: null, all: null, noQuote: null };

// Is the next answer a mail? Then {answered: the mail it answers or null, subject, to, others, bad:
// what is no address, fields: as they will be sent, clear: what ends them in the store}.
export function useMail(id, thread, caps, compose) {
    const items = useStore((db) => db.logs.get(id))?.items ?? NO_ITEMS;
    const channel = useStore((db) => db.channels.find((c) => c.name === thread.channel));
    const answered = useMemo(() => answeredMail(items, compose.reply), [items, compose.reply]);
    if (!caps.includes("mail") || !(channel?.connector === "email" || answered)) return null;
    const own = channel?.info?.username ? [channel.info.username.toLowerCase()] : [];
    const { to, others } = answerTo(answered?.email, own);
    const subject = replySubject(answered?.subject);
    const bad = [...parseAddresses(compose.cc).bad, ...parseAddresses(compose.bcc).bad];
    const reply_to = answered && answered !== newestMail(items) ? answered.id : undefined;
    return { answered, subject, to, others, bad, fields: { ...mailFields(compose, subject), ...(reply_to && { reply_to }) }, clear: CLEAR };
}

function Addresses({ id, label, value, set, onKeyDown }) {
    const { t } = useWords();
    const { bad } = parseAddresses(value);
    return (
        <div class="mail-field">
            <label for={id}>{label}</label>
            <input id={id} type="text" inputMode="email" autoComplete="off" autoCapitalize="none" spellcheck={false} value={value}
                placeholder={t("mail.addresses")} aria-invalid={bad.length > 0} onInput={(e) => set(e.currentTarget.value)} onKeyDown={onKeyDown} />
            {bad.length > 0 && <span class="mail-field-bad" role="alert">{t("mail.badAddress", { address: bad[0] })}</span>}
        </div>
    );
}

// What the channel puts below the answer, unless the agent leaves it out.
function Quoted({ answered, left, leave }) {
    const { t, full } = useWords();
    return (
        <>
            <label class="mail-quote-on">
                <input type="checkbox" checked={!left} onChange={(e) => leave(!e.currentTarget.checked)} />{t("mail.quoteOn")}
            </label>
            {!left && (
                <blockquote class="mail-quoted mail-preview" dir="auto">
                    <b>{plainName(answered.subject)}</b>{" · "}{full(answered.sent_at ?? answered.received_at)}{"\n"}
                    {(answered.text ?? "").slice(0, 4000)}
                </blockquote>
            )}
        </>
    );
}

export function MailFields({ id, mail, compose, focusText }) {
    const { t } = useWords();
    const desk = useDesk();
    const set = (fields) => desk.compose(id, fields);
    const { cc = null, bcc = null } = compose; // "": the field is there
    const copy = (name) => {
        set({ [name]: "" });
        setTimeout(() => document.getElementById("mail-" + name)?.focus(), 0);
    };
    const onKeyDown = (e) => {
        if (e.key !== "Enter" || e.isComposing) return;
        e.preventDefault();
        focusText();
    };
    const [quoted, setQuoted] = useState(false);
    const all = [...mail.to, ...(compose.all ? mail.others : [])];
    const who = all.map((m) => m.address || m.name).join(", "); // a long name must not push the address out of sight
    return (
        <div class="mail-fields">
            <div class="mail-field mail-field-to">
                <span class="mail-label">{t("mail.to")}</span>
                <span class="mail-who" title={all.map(mailboxText).join(", ")}>{who || t("msg.client")}</span>
                {mail.others.length > 0 && (
                    <span class="modes" role="radiogroup" aria-label={t("mail.whom")}>
                        {[false, true].map((all) => (
                            <button key={String(all)} type="button" role="radio" aria-checked={Boolean(compose.all) === all} onClick={() => set({ all: all || null })}>
                                {t(all ? "mail.replyAll" : "mail.reply")}
                            </button>
                        ))}
                    </span>
                )}
                {cc === null && <button type="button" class="mail-copy-add" onClick={() => copy("cc")}>{t("mail.cc")}</button>}
                {bcc === null && <button type="button" class="mail-copy-add" onClick={() => copy("bcc")}>{t("mail.bcc")}</button>}
            </div>
            {cc !== null && <Addresses id="mail-cc" label={t("mail.cc")} value={cc} set={(now) => set({ cc: now })} onKeyDown={onKeyDown} />}
            {bcc !== null && <Addresses id="mail-bcc" label={t("mail.bcc")} value={bcc} set={(now) => set({ bcc: now })} onKeyDown={onKeyDown} />}
            <div class="mail-field">
                <label for="mail-subject">{t("mail.subject")}</label>
                <input id="mail-subject" type="text" maxLength={480} dir="auto" value={compose.subject ?? mail.subject}
                    onInput={(e) => set({ subject: e.currentTarget.value })} onKeyDown={onKeyDown} />
                {mail.answered?.text && (
                    <button type="button" class="mail-fold" aria-expanded={quoted} onClick={() => setQuoted(!quoted)} title={t("mail.quoteHint")}>
                        <Icon name="more" size={16} />{t("mail.quote")}
                    </button>
                )}
            </div>
            {quoted && mail.answered && <Quoted answered={mail.answered} left={Boolean(compose.noQuote)} leave={(left) => set({ noQuote: left || null })} />}
        </div>
    );
}
