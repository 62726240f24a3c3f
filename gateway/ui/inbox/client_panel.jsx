// client_panel.jsx - the person behind the dialogue: what is known, how the channels know them, the
// card in the CRM, the page that they write from, their other dialogues; what can be done about them comes with a bundle of
// its own (client.jsx).
import { useEffect, useState } from "preact/hooks";
import { plainName, webAddress } from "../shared/links.mjs";
import { usePage } from "./admin_gate.jsx";
import { Cards } from "./cards.jsx";
import { useDesk, useStore, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { howProven, identityAddress, identityKind, inOrder, isFormerPhone } from "./identities.mjs";
import { Late } from "./late.jsx";
import { Avatar, Button, Confirm, IconButton, clientName } from "./parts.jsx";
import { threadHref } from "./routes.mjs";
import { useChange } from "./thread_head.jsx";

const CARD_MS = 1500;

function Known({ client, onEdit }) {
    const { t } = useWords();
    const rows = [
        ["phone", client.phone && (
            <>
                <a href={"tel:" + client.phone.replace(/[^\d+]/g, "")}>{plainName(client.phone)}</a>
                {isFormerPhone(client) && <span class="unknown"> · {t("client.former")}</span>}
            </>
        )],
        ["email", client.email && <a href={"mailto:" + encodeURIComponent(client.email).replace("%40", "@")}>{plainName(client.email)}</a>],
        ["note", client.note && <span class="client-note">{client.note}</span>],
    ];
    return (
        <section class="panel-part">
            <header><h3>{t("client.title")}</h3><Button kind="quiet" icon="edit" onClick={onEdit}>{t("client.edit")}</Button></header>
            <dl>
                {rows.map(([key, value]) => (
                    <div key={key}><dt>{t("client." + key)}</dt><dd dir="auto">{value || <span class="unknown">{t("client.empty")}</span>}</dd></div>
                ))}
            </dl>
        </section>
    );
}

function Identity({ identity: i, client }) {
    const { t, said } = useWords();
    const how = t(i.former ? "client.formerHint" : i.verified ? "client.verified" : "client.unverified");
    const kind = identityKind(i);
    return (
        <li class={i.former ? "identity-former" : undefined}>
            <span class={`verified verified-${i.verified && !i.former}`} role="img" title={how} aria-label={how}>
                <Icon name={i.former ? "clock" : i.verified ? "verified" : "unassigned"} size={17} />
            </span>
            <span class="identity-main">
                <span class="identity-address">{identityAddress(i)}</span>
                <span class="identity-kind">
                    {[said("identity." + kind, kind), i.former && t("client.former"), i.name !== client.name && plainName(i.name)].filter(Boolean).join(" · ")}
                </span>
                {!i.former && <span class="identity-kind">{t(howProven(i))}</span>}
            </span>
        </li>
    );
}

function Identities({ client }) {
    const { t } = useWords();
    const list = client.identities;
    if (!list?.length) return null;
    return (
        <section class="panel-part">
            <header><h3>{t("client.identities")}</h3></header>
            <ul class="identities">{inOrder(list).map((i) => <Identity key={i.kind + i.address} identity={i} client={client} />)}</ul>
        </section>
    );
}

function localTime(zone, lang) {
    try {
        return new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, { timeZone: zone, hour: "2-digit", minute: "2-digit" }).format(Date.now());
    } catch {
        return "";
    }
}

function PageContext({ profile }) {
    const { t, lang } = useWords();
    if (!profile) return null;
    const page = typeof profile.page === "object" && profile.page ? profile.page : {};
    const url = page.url ?? profile.url;
    const referrer = page.referrer ?? profile.referrer;
    const zone = page.timezone ?? profile.timezone;
    const utm = page.utm ?? profile.utm ?? {};
    const link = (text, shown) => {
        const href = webAddress(text);
        return href ? <a href={href} target="_blank" rel="noopener noreferrer nofollow ugc">{plainName(shown || text)}</a> : plainName(shown || text);
    };
    const campaign = Object.values(utm).filter((v) => typeof v === "string" && v).map(plainName).join(" / ");
    const ad = typeof profile.referral === "object" && profile.referral ? profile.referral : {};
    const rows = [
        ["cameBy", (ad.url || ad.title) && link(ad.url, ad.title)],
        ["page", url && link(url, page.title || profile.title)],
        ["pageReferrer", referrer && link(referrer)],
        ["campaign", campaign],
        ["locale", plainName(page.locale ?? profile.locale)],
        ["timezone", zone && [plainName(zone), localTime(zone, lang)].filter(Boolean).join(", ")],
    ].filter(([, value]) => value);
    if (!rows.length) return null;
    return (
        <section class="panel-part">
            <dl>{rows.map(([key, value]) => <div key={key}><dt>{t("client." + key)}</dt><dd dir="auto">{value}</dd></div>)}</dl>
        </section>
    );
}

function Others({ ids, current }) {
    const { t, short } = useWords();
    const desk = useDesk();
    const threads = useStore((db) => db.threads);
    const others = (ids ?? []).filter((id) => id !== current);
    const [, setLoaded] = useState(0);
    useEffect(() => {
        for (const id of others)
            if (!threads.has(id)) desk.lookUp(id).then(() => setLoaded((n) => n + 1));
    }, [others.join()]);
    if (!others.length) return null;
    return (
        <section class="panel-part">
            <header><h3>{t("client.threads")}</h3></header>
            <ul class="others">
                {others.map((id) => {
                    const th = threads.get(id);
                    return (
                        <li key={id}>
                            <a href={threadHref(id)}>
                                <span>{th?.last?.text || (th ? clientName(th, t) : id)}</span>
                                <time>{th ? short(th.last_at) : ""}</time>
                            </a>
                        </li>
                    );
                })}
            </ul>
        </section>
    );
}

export function ClientPanel({ thread: id, onClose }) {
    const { t, full } = useWords();
    const thread = useStore((db) => db.threads.get(id));
    const client = useStore((db) => db.clients.get(thread?.client?.id));
    const [editing, setEditing] = useState(false);
    const { Page: Tools } = usePage("client");
    const [blocking, setBlocking] = useState(false);
    const desk = useDesk();
    const change = useChange(id);
    const clientId = thread?.client?.id;
    const name = thread ? clientName(thread, t) : "";
    /* The card has a message a moment after the thread has it. */
    useEffect(() => {
        if (!clientId) return;
        const timer = setTimeout(() => desk.loadClient(clientId), CARD_MS);
        return () => clearTimeout(timer);
    }, [clientId, thread?.last_seq]);
    return (
        <aside class="panel" aria-label={t("thread.panel")}>
            <header class="panel-head">
                <IconButton icon="x" class="panel-close" label={t("client.close")} onClick={onClose} />
                <Avatar name={plainName(client?.name || thread?.client?.name)} seed={thread?.client?.id} />
                <h2 dir="auto">{plainName(client?.name) || name}</h2>
                {client?.created_at && <p>{t("client.since")}: {full(client.created_at)}</p>}
                {thread?.client_last_at && <p class="last-seen">{t("client.lastSeen")}: {full(thread.client_last_at)}</p>}
            </header>
            {client && (
                <>
                    {Tools && <Tools client={client} merged={thread?.merged_into} seq={thread?.last_seq} top />}
                    {client.erased ? null : editing ? <Late part="edit" client={client} onClose={() => setEditing(false)} /> : <Known client={client} onEdit={() => setEditing(true)} />}
                    <Identities client={client} />
                    <PageContext profile={client.profile} />
                    {!client.erased && <Cards client={client} thread={id} lastSeq={thread?.last_seq} />}
                    <Others ids={client.threads} current={id} />
                    {Tools && <Tools client={client} merged={thread?.merged_into} />}
                    {!thread?.merged_into && !client.erased && (
                        <section class="panel-part">
                            <div class="panel-stack">
                                {thread?.blocked
                                    ? <Button kind="plain" icon="open" onClick={() => change({ blocked: false })}>{t("block.off")}</Button>
                                    : <Button kind="plain" icon="block" class="button button-plain danger" onClick={() => setBlocking(true)}>{t("block.on")}</Button>}
                            </div>
                        </section>
                    )}
                </>
            )}
            {blocking && (
                <Confirm title={t("block.on")} text={t("block.sure")} action={t("block.on")} danger
                    onYes={() => change({ blocked: true })} onClose={() => setBlocking(false)} />
            )}
        </aside>
    );
}
