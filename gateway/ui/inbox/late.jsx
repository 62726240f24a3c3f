// late.jsx - a part of the inbox that is not there before it is asked for: it comes in a bundle of its own (late_parts.jsx).
import { useEffect, useReducer } from "preact/hooks";
import { brought, fetchAll } from "./bundles.mjs";
import { useDesk, useWords } from "./context.jsx";

const AGAIN_MS = 5000;

// part: its name there. Who asked for it (onClose) is told when it does not come; what nobody asked for is tried again.
export function Late({ part, ...rest }) {
    const { t } = useWords();
    const desk = useDesk();
    const [tries, again] = useReducer((n) => n + 1, 0);
    const Part = brought(part);
    useEffect(() => {
        if (Part) return undefined;
        let gone = false, timer = null;
        const fetched = () => {
            if (!brought(part)) throw new Error(`late.js brings no ${part}`);
        };
        fetchAll(["late.css", "late.js"]).then(fetched).then(() => gone || again(), () => {
            if (gone) return;
            if (!rest.onClose) {
                timer = setTimeout(again, AGAIN_MS);
                return;
            }
            desk.toast(t("error.offline"));
            rest.onClose();
        });
        return () => {
            gone = true;
            clearTimeout(timer);
        };
    }, [tries]);
    return Part ? <Part {...rest} /> : null;
}
