// parts_near.jsx - draws of a long column only the parts that are near what is looked at; each other one is as high as it was
// when it was last drawn, and empty. So the page holds a bounded number of elements, however much was loaded.
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

const AROUND = "2400px 0px"; // what is drawn beyond the edges
const FEW = 5; // so many are drawn whole

// Tells parts whether they are near: watch(element, fn) returns how to end it. box: the ref of what scrolls.
export function useNear(box) {
    const watched = useRef(new Map());
    const observer = useRef(null);
    useEffect(() => () => observer.current?.disconnect(), []);
    return useCallback((element, fn) => {
        observer.current ??= new IntersectionObserver((entries) => {
            for (const e of entries) watched.current.get(e.target)?.(e.isIntersecting);
        }, { root: box.current, rootMargin: AROUND });
        watched.current.set(element, fn);
        observer.current.observe(element);
        return () => {
            watched.current.delete(element);
            observer.current.unobserve(element);
        };
    }, []);
}

export const areMany = (parts) => parts.length > FEW;

// name: to be found by (data-part). whole: always drawn. draw(row): of each of its rows. guess: it comes in above what is
// looked at, and is about so high; drawn once it is near.
export function Part({ name, rows, draw, whole, watch, box, guess }) {
    const root = useRef(null);
    const [near, setNear] = useState(!guess);
    const height = useRef(guess ?? 0); // as long as it is not drawn
    const was = useRef(near || whole);
    const drawn = near || whole;
    if (was.current && !drawn) height.current = root.current.getBoundingClientRect().height; // it stands there yet
    was.current = drawn;
    useEffect(() => watch(root.current, setNear), []);
    // It may have grown while it was not drawn: what is below must not move.
    useLayoutEffect(() => {
        if (!drawn || !height.current) return;
        const at = root.current.getBoundingClientRect();
        const more = at.height - height.current;
        if (more && at.bottom < box.current.getBoundingClientRect().top + more) box.current.scrollTop += more;
        height.current = 0;
    }, [drawn]);
    return (
        <div class="log-part" ref={root} data-part={name} style={drawn ? undefined : { height: height.current + "px" }}>
            {drawn && rows.map(draw)}
        </div>
    );
}
