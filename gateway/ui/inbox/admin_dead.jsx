// admin_dead.jsx - all that was given up, of channels and CRMs, or of one of them.
import { useState } from "preact/hooks";
import { AdminPage } from "./admin_page.jsx";
import { useStore, useWords } from "./context.jsx";
import { DeadList, placeName } from "./dead_list.jsx";
import { Icon } from "./icons.jsx";
import { deadHref } from "./routes.mjs";

export function AdminDead() {
    const { t } = useWords();
    const queue = useStore((db) => db.route.queue);
    const [seen, setSeen] = useState([]); // queues that have letters, as far as they have been shown
    const onList = (dead) => setSeen((before) => [...new Set([...before, ...dead.map((d) => d.queue)])]);
    const queues = [...new Set([...(queue ? [queue] : []), ...seen])].sort();
    return (
        <AdminPage title={t("dead.title")} hint={t("dead.hint")}>
            {queues.length > 0 && (
                <p class="dead-filter">
                    <label for="dead-queue">{t("dead.target")}</label>
                    <select id="dead-queue" value={queue ?? ""} onChange={(e) => {
                        location.hash = deadHref(e.currentTarget.value);
                    }}>
                        <option value="">{t("dead.everything")}</option>
                        {queues.map((q) => <option key={q} value={q}>{placeName(t, q)}</option>)}
                    </select>
                </p>
            )}
            <DeadList queue={queue} onList={onList} empty={(
                <div class="empty"><span class="empty-mark"><Icon name="check" size={26} /></span><p>{t("dead.empty")}</p></div>
            )} />
        </AdminPage>
    );
}
