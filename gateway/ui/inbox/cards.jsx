// cards.jsx - the client's cards in the CRMs, on the panel: where a person sees each, what the CRM tells of it, and
// whether all of the dialogue is on it.
import { useEffect, useState } from "preact/hooks";
import { plainName, webAddress } from "../shared/links.mjs";
import { useDesk, useStore, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { deadHref, threadHref } from "./routes.mjs";

const SETTLED_MS = 1500; // a message is on the card by then, if all is well
const WAITING_MS = 2000, REFUSED_MS = 5000, WELL_MS = 20000; // asked again after so long

const isOpen = (d) => d.waiting > 0 || d.refused > 0;

// {target: ThreadDelivery}, kept up to date while somebody looks.
function useDeliveries(thread, lastSeq) {
    const desk = useDesk();
    const [state, setState] = useState({});
    const mine = state.thread === thread;
    useEffect(() => {
        let timer = null;
        const again = (ms) => {
            timer = setTimeout(load, ms);
        };
        const load = async () => {
            if (document.hidden) return again(WAITING_MS);
            try {
                const { deliveries } = await desk.api.deliveries(thread);
                if (timer === false) return undefined;
                setState({ thread, list: deliveries });
                return again(deliveries.some((d) => d.waiting) ? WAITING_MS : deliveries.some(isOpen) ? REFUSED_MS : WELL_MS);
            } catch (e) {
                desk.failed(e);
                return timer === false ? undefined : again(REFUSED_MS);
            }
        };
        again(mine ? SETTLED_MS : 0);
        return () => {
            clearTimeout(timer);
            timer = false;
        };
    }, [thread, lastSeq]);
    return mine ? state.list : [];
}

function Delivery({ delivery: d, thread }) {
    const { t, age, reason } = useWords();
    const me = useStore((db) => db.me);
    const error = reason(d.error);
    if (!isOpen(d)) {
        return d.attached_seq > 0 && (
            <p class="card-state good"><Icon name="check" size={16} /><span>{t("card.all")}</span></p>
        );
    }
    return (
        <>
            {d.waiting > 0 && (
                <p class="card-state warn">
                    <Icon name="hourglass" size={16} />
                    <span>{t("card.waiting", { n: d.waiting })}{d.waiting_since && ", " + t("card.oldest", { age: age(d.waiting_since) })}</span>
                </p>
            )}
            {d.refused > 0 && (
                <p class="card-state bad">
                    <Icon name="warn" size={16} />
                    <span>
                        <span title={error.title}>{t("card.refused", { n: d.refused, why: error.text })}</span>
                        <span class="card-ways">
                            <a href={threadHref(thread, d.refused_seq)}>{t("card.showMessage")}</a>
                            {me?.role !== "agent" && <a href={deadHref("crm:" + d.target)}>{t("card.toDead")}</a>}
                        </span>
                    </span>
                </p>
            )}
        </>
    );
}

function Card({ target, card, known, delivery, thread }) {
    const { t, full } = useWords();
    const url = webAddress(card?.url ?? known?.url);
    const id = card?.id ?? known?.id;
    const c = card ?? {};
    const name = [c.name, c.phone, c.email].filter(Boolean).map(plainName).join(" · ");
    const rows = [["responsible", c.responsible], ["stage", c.stage]].filter(([, v]) => typeof v === "string" && v);
    return (
        <div class="card" data-target={target}>
            <p class="card-head"><span class="card-target">{target}</span> {id && <code>{id}</code>}</p>
            {!id && <p class="unknown">{t("client.cardNone")}</p>}
            {name && <p class="card-name">{name}</p>}
            {rows.map(([key, v]) => <p key={key} class="card-field"><span>{t("card." + key)}</span> {plainName(v)}</p>)}
            {Object.entries(c.fields ?? {}).filter(([, v]) => v !== "" && typeof v !== "object").map(([k, v]) => (
                <p key={k} class="card-field"><span>{plainName(k)}</span> {plainName(v)}</p>
            ))}
            {(Number.isFinite(c.messages) || c.created_at) && (
                <p class="card-sum">
                    {Number.isFinite(c.messages) && t("client.cardMessages", { n: c.messages })}
                    {c.created_at && " " + t("client.cardSince", { at: full(c.created_at) })}
                </p>
            )}
            {url && (
                <a class="card-link" href={url} target="_blank" rel="noopener noreferrer" aria-label={t("card.openIn", { target })}>
                    {t("card.open")}<Icon name="outside" size={15} />
                </a>
            )}
            {delivery && <div role="status"><Delivery delivery={delivery} thread={thread} /></div>}
        </div>
    );
}

export function Cards({ client, thread, lastSeq }) {
    const { t } = useWords();
    const desk = useDesk();
    const list = useDeliveries(thread, lastSeq);
    const cards = client.card ?? {}, known = client.cards ?? {};
    const targets = [...new Set([...list.map((d) => d.target), ...Object.keys(cards), ...Object.keys(known)])];
    const arrived = list.map((d) => d.attached_seq).join();
    useEffect(() => { // what came late may have made a card
        if (list.some((d) => d.attached_seq && !known[d.target]) || list.some(isOpen)) desk.loadClient(client.id);
    }, [arrived]);
    return (
        <section class="panel-part panel-card">
            <header><h3>{t("client.card")}</h3></header>
            {!targets.length && <p class="unknown">{t("client.cardNone")}</p>}
            {targets.map((target) => (
                <Card key={target} target={target} card={cards[target]} known={known[target]} thread={thread}
                    delivery={list.find((d) => d.target === target)} />
            ))}
        </section>
    );
}
