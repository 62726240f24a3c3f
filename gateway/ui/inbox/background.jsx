// background.jsx - what goes on behind the screen while somebody is signed in.
import { useNotices } from "./notify.jsx";

export function Background() {
    useNotices();
    return null;
}
