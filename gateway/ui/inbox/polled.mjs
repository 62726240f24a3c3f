// polled.mjs - what is asked for again and again while it is looked at.
import { useEffect, useState } from "preact/hooks";
import { useDesk } from "./context.jsx";

const EACH_MS = 3000;

// {value, error, loading}: what ask() gave last, and why it gives nothing now. Nobody is asked while the page is hidden.
export function usePolled(ask) {
    const desk = useDesk();
    const [state, setState] = useState({ value: null, loading: true, error: null });
    useEffect(() => {
        let timer = null, gone = false;
        const load = async () => {
            if (!document.hidden) {
                try {
                    const value = await ask();
                    if (!gone) setState({ value, loading: false, error: null });
                } catch (e) {
                    if (!gone) setState((s) => ({ ...s, loading: false, error: desk.failed(e) }));
                }
            }
            if (!gone) timer = setTimeout(load, EACH_MS);
        };
        load();
        return () => {
            gone = true;
            clearTimeout(timer);
        };
    }, []);
    return state;
}
