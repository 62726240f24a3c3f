// help.jsx - the sheet of keyboard shortcuts.
import { useWords } from "./context.jsx";
import { Dialog } from "./parts.jsx";

const KEYS = [["J", "down"], ["K", "up"], ["Enter", "open"], ["Esc", "back"], ["/", "search"],
    ["R", "reply"], ["N", "note"], ["Enter", "send"], ["Shift+Enter", "break"],
    ["↑", "editLast"], ["Esc", "leaveEdit"], ["Tab", "actions"], ["←+→", "alongActions"], ["?", "help"]];

export function Help({ onClose }) {
    const { t } = useWords();
    return (
        <Dialog title={t("keys.title")} onClose={onClose}>
            <dl class="keys">
                {KEYS.map(([key, what]) => (
                    <div key={what}>
                        <dt>{key.split("+").map((k) => <kbd key={k}>{k}</kbd>)}</dt>
                        <dd>{t("keys." + what)}</dd>
                    </div>
                ))}
            </dl>
        </Dialog>
    );
}
