// goods.jsx - what a client does with a shop in the messenger: a form filled in, an order, a question about
// a product, and the advertisement that brought them here.
import { plainName, webAddress } from "../shared/links.mjs";
import { useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";

function FormAnswers({ form }) {
    const { t } = useWords();
    const name = plainName(form.name);
    return (
        <div class="kind-list">
            <p class="kind-title" dir="auto"><Icon name="checklist" size={16} />{t("msg.form")}{name && name !== "flow" && `: ${name}`}</p>
            <dl class="answers">
                {Object.entries(form.values ?? {}).map(([key, value]) => (
                    <div key={key}><dt dir="auto">{plainName(key).replace(/_/g, " ")}</dt><dd dir="auto">{String(value)}</dd></div>
                ))}
            </dl>
        </div>
    );
}

function useMoney() {
    const { lang } = useWords();
    return (amount, currency) => {
        try {
            return new Intl.NumberFormat(lang, { style: "currency", currency }).format(amount);
        } catch {
            return `${amount} ${currency ?? ""}`.trim();
        }
    };
}

function Order({ order }) {
    const { t } = useWords();
    const money = useMoney();
    const items = order.items ?? [];
    const currency = items.find((i) => i.currency)?.currency;
    const sum = items.reduce((n, i) => n + (i.price || 0) * (i.quantity ?? 1), 0);
    return (
        <div class="kind-list">
            <p class="kind-title"><Icon name="cart" size={16} />{t("msg.order")}</p>
            <ul>
                {items.map((i, k) => (
                    <li key={k} class="order-item">
                        <span dir="auto">{plainName(i.id)}</span><span>{i.quantity ?? 1} × {money(i.price ?? 0, i.currency)}</span>
                    </li>
                ))}
            </ul>
            <p class="order-sum"><span>{t("msg.orderSum")}</span><b>{money(sum, currency)}</b></p>
        </div>
    );
}

function Product({ product }) {
    const { t } = useWords();
    return (
        <p class="msg-forward"><Icon name="cart" size={14} />{t("msg.product", { id: plainName(product.id), catalog: plainName(product.catalog) || "?" })}</p>
    );
}

function Referral({ referral: r }) {
    const { t } = useWords();
    const link = webAddress(r.url);
    return (
        <div class="referral">
            <p class="msg-forward"><Icon name="megaphone" size={14} />{t(r.kind === "post" ? "msg.fromPost" : "msg.fromAd")}</p>
            {r.title && <b dir="auto">{plainName(r.title)}</b>}
            {r.text && <span dir="auto">{r.text}</span>}
            {link && <a href={link} target="_blank" rel="noopener noreferrer nofollow">{t("msg.openAd")}</a>}
        </div>
    );
}

// Above the words.
export function Whence({ message: m }) {
    return (
        <>
            {m.referral && <Referral referral={m.referral} />}
            {m.product && <Product product={m.product} />}
        </>
    );
}

export function Goods({ message: m }) {
    return (
        <>
            {m.form && <FormAnswers form={m.form} />}
            {m.order && <Order order={m.order} />}
        </>
    );
}
