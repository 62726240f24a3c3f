// background.jsx - what goes on behind the screen while somebody is signed in.
import { useNotices } from "./notify.jsx";
import { useRenewal, useShell } from "./shell.jsx";

export function Background() {
    useNotices();
    useShell();
    useRenewal();
    return null;
}
