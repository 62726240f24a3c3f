// banner.jsx - the state of the line, said only when it is not as it should be.
import { useEffect, useState } from "preact/hooks";
import { useDesk, useStore, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";

const PATIENCE_MS = 1500; // a blink of the line is nobody's concern

export function Banner() {
    const { t } = useWords();
    const desk = useDesk();
    const conn = useStore((db) => db.conn);
    const [late, setLate] = useState(false);
    const outdated = useStore((db) => db.outdated);
    const online = conn.state === "online";
    useEffect(() => {
        setLate(false);
        if (online) return undefined;
        const timer = setTimeout(() => setLate(true), Math.max(0, conn.since + PATIENCE_MS - Date.now()));
        return () => clearTimeout(timer);
    }, [online, conn.since]);
    const text = !online && late
        ? t(!conn.storeUp ? "conn.store" : navigator.onLine === false || conn.state === "offline" ? "conn.offline" : "conn.lost")
        : online && !conn.storeUp ? t("conn.store") : "";
    const newer = !text && outdated;
    return (
        <div class={`banner${text || newer ? " banner-on" : ""}`} role="status" aria-live="polite">
            {newer && (
                <>
                    <Icon name="retry" size={18} />
                    <span>{t("app.newer")}</span>
                    <button type="button" onClick={() => {
                        desk.leave();
                        location.reload();
                    }}>{t("app.renew")}</button>
                </>
            )}
            {text && (
                <>
                    <Icon name="warn" size={18} />
                    <span>{text}</span>
                    {!online && <button type="button" onClick={() => desk.connection.wake()}>{t("conn.retry")}</button>}
                </>
            )}
        </div>
    );
}
