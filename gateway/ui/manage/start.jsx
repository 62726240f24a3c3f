// start.jsx - the first steps: how to make the first channel work in five minutes. What is done gets its tick by itself.
import { useStore, useWords } from "../inbox/context.jsx";
import { Icon } from "../inbox/icons.jsx";
import { Spinner } from "../inbox/parts.jsx";
import { usePolled } from "../inbox/polled.mjs";
import * as api from "./api.mjs";
import { stepsOf } from "./figures.mjs";
import { ForAdmins, useManageWords } from "./parts.jsx";

const LINKS = { channel: "#/channels", works: "#/channels", answer: "#/v/open", people: "#/agents", factor: "#/account" };

function Step({ step, w }) {
    const href = step.link ?? LINKS[step.key];
    const away = href && !href.startsWith("#");
    return (
        <li class={step.done ? "done" : step.next ? "next" : undefined} data-step={step.key} data-done={String(step.done)} aria-current={step.next ? "step" : undefined}>
            <span class="step-mark" role="img" aria-label={w.t(step.done ? "start.done" : "start.todo")}>{step.done && <Icon name="check" size={16} />}</span>
            <span class="step-main">
                <strong>{w.t("start." + step.key)}</strong>
                <span>{w.t(`start.${step.key}.how`)}</span>
                {!step.done && href && (
                    <a href={href} {...(away ? { target: "_blank", rel: "noopener noreferrer" } : {})}>{w.t(`start.${step.key}.link`)}</a>
                )}
            </span>
        </li>
    );
}

function Steps({ w }) {
    const { t, why } = useWords();
    const me = useStore((db) => db.me);
    const { value, loading, error } = usePolled(api.start);
    if (!value) return error ? <p class="form-error" role="alert">{why(error)}</p> : loading && <div class="dialog-wait"><Spinner label={t("app.loading")} /></div>;
    const steps = stepsOf({ ...value, me });
    const done = steps.filter((s) => s.done).length;
    return (
        <>
            <p class="steps-progress" role="status">{w.t(done === steps.length ? "start.all" : "start.progress", { n: done, of: steps.length })}</p>
            <ol class="steps">{steps.map((s) => <Step key={s.key} step={s} w={w} />)}</ol>
        </>
    );
}

export function Start() {
    const w = useManageWords();
    return <ForAdmins title={w.t("start.title")} hint={w.t("start.hint")}>{() => <Steps w={w} />}</ForAdmins>;
}
