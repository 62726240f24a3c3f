// memo.mjs - draws a component again only when one of its properties is another object.
import { Component, h } from "preact";

export function memo(fn) {
    return class Memo extends Component {
        shouldComponentUpdate(next) {
            const old = this.props;
            for (const k in next) if (!Object.is(next[k], old[k])) return true;
            for (const k in old) if (!(k in next)) return true;
            return false;
        }

        render(props) {
            return h(fn, props);
        }
    };
}
