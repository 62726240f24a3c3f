// help.jsx - the sheet of keyboard shortcuts.
import { useWords } from "./context.jsx";
import { Dialog } from "./parts.jsx";

const KEYS = {
    list: [["J", "down"], ["K", "up"], ["Enter", "open"], ["Esc", "back"], ["/", "search"], ["F", "filter"], ["1 … 9", "views"], ["?", "help"]],
    thread: [["R", "reply"], ["N", "note"], ["E", "state"], ["Z", "snooze"], ["M", "take"], ["A", "assign"], ["L", "label"], ["I", "panel"],
        ["G", "log"], ["Tab", "actions"], ["← →", "alongActions"]],
    writing: [["Enter", "send"], ["Shift Enter", "break"], ["/", "canned"], ["@", "mention"], ["↑", "editLast"], ["Esc", "leaveEdit"],
        ["Ctrl Enter", "sendFormatted"], ["Ctrl B", "bold"]],
    pictures: [["← →", "pictures"], ["+ −", "zoom"], ["0", "whole"]],
};

export function Help({ onClose }) {
    const { t } = useWords();
    return (
        <Dialog title={t("keys.title")} onClose={onClose} wide>
            <div class="keys-all">
                {Object.entries(KEYS).map(([part, keys]) => (
                    <section key={part}>
                        <h3>{t("keys.part." + part)}</h3>
                        <dl class="keys">
                            {keys.map(([key, what]) => (
                                <div key={what}>
                                    <dt>{key.split(" ").map((k) => <kbd key={k}>{k}</kbd>)}</dt>
                                    <dd>{t("keys." + what)}</dd>
                                </div>
                            ))}
                        </dl>
                    </section>
                ))}
            </div>
        </Dialog>
    );
}
