// system.jsx - how the installation is: what is wrong, in words, at the top; workers, Redis, what waits, versions, the disk.
import { useWords } from "../inbox/context.jsx";
import { Icon } from "../inbox/icons.jsx";
import { Spinner } from "../inbox/parts.jsx";
import { usePolled } from "../inbox/polled.mjs";
import * as api from "./api.mjs";
import { ForAdmins, useManageWords } from "./parts.jsx";

function Problems({ problems, w }) {
    if (!problems.length) return <p class="system-good" data-problems="0"><Icon name="check" size={20} /> {w.t("system.good")}</p>;
    return (
        <ul class="problems" data-problems={problems.length}>
            {problems.map((p, i) => (
                <li key={i} class={p.level} data-problem={p.code}>
                    <Icon name="dead" size={18} /> <span>{w.has("problem." + p.code) ? w.t("problem." + p.code, p) : p.text}</span>
                </li>
            ))}
        </ul>
    );
}

function Table({ id, title, columns, rows, none }) {
    return (
        <section class="account-part" aria-labelledby={"system-" + id}>
            <h2 id={"system-" + id}>{title}</h2>
            {!rows.length ? <p>{none}</p> : (
                <div class="table-scroll" tabIndex={0} role="region" aria-labelledby={"system-" + id}>
                    <table class="rows" data-table={id}>
                        <thead><tr>{columns.map((c) => <th key={c} scope="col">{c}</th>)}</tr></thead>
                        <tbody>
                            {rows.map(([key, first, ...cells]) => (
                                <tr key={key} data-row={key}>
                                    <th scope="row">{first}</th>
                                    {cells.map((c, i) => <td key={i}>{c}</td>)}
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
        </section>
    );
}

function Facts({ id, title, facts }) {
    return (
        <section class="account-part" aria-labelledby={"system-" + id}>
            <h2 id={"system-" + id}>{title}</h2>
            <dl class="facts" data-facts={id}>
                {facts.filter(([, value]) => value).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
            </dl>
        </section>
    );
}

function Parts({ s, w }) {
    const { size, age, full } = useWords();
    const number = (n) => w.number(Math.round(n * 10) / 10);
    const r = s.redis;
    const owned = s.shards.filter((x) => x.owner).length;
    return (
        <>
            <Problems problems={s.problems} w={w} />
            <Table id="workers" title={w.t("system.workers")}
                columns={["worker", "uptime", "memory", "cpu", "lag", "sockets", "shards"].map((c) => w.t("system." + c))}
                rows={[...s.workers].sort((a, b) => a.number - b.number || a.pid - b.pid).map((x) => [x.id, `${x.number} (${x.pid})`, age(x.started_at), size(x.rss_bytes),
                    number(x.cpu_percent) + " %", w.t("system.ms", { n: x.lag_ms }), x.sockets, x.shards])} />
            <Table id="queues" title={w.t("system.queues")} none={w.t("system.noQueues")} columns={["queue", "waiting", "oldest"].map((c) => w.t("system." + c))}
                rows={s.queues.filter((x) => x.n > 0).map((x) => [x.queue, x.queue, w.number(x.n), x.oldest_at ? age(x.oldest_at) : "—"])} />
            <Facts id="redis" title="Redis" facts={[
                [w.t("system.version"), r.version],
                [w.t("system.uptime"), age(Date.now() - r.uptime_s * 1000)],
                [w.t("system.memory"), r.memory_max_bytes ? w.t("system.of", { used: size(r.memory_bytes), most: size(r.memory_max_bytes) }) : size(r.memory_bytes)],
                [w.t("system.disk"), w.t(r.append_only ? "system.kept" : "system.notKept", { fsync: r.append_fsync ?? "?" })],
                [w.t("system.saved"), full(r.saved_at)],
                [w.t("system.latency"), w.t("system.ms", { n: Math.round(r.latency_ms * 10) / 10 })],
            ]} />
            <Facts id="rest" title={w.t("system.rest")} facts={[
                ["Switchboard", s.version],
                [w.t("system.shards"), w.t("system.owned", { n: owned, of: s.shards.length })],
                [w.t("system.dead"), w.number(s.dead)],
                [w.t("system.space"), s.disk.total_bytes > 0 && w.t("system.free", { free: size(s.disk.free_bytes), total: size(s.disk.total_bytes) })],
                [w.t("system.libraries"), s.libraries.join(", ")],
            ]} />
        </>
    );
}

function Live({ w }) {
    const { t, why } = useWords();
    const { value, loading, error } = usePolled(api.system);
    return (
        <>
            {error && <p class="form-error" role="alert">{why(error)}</p>}
            {value && <Parts s={value} w={w} />}
            {loading && <div class="dialog-wait"><Spinner label={t("app.loading")} /></div>}
        </>
    );
}

export function System() {
    const w = useManageWords();
    return <ForAdmins title={w.t("system.title")}>{() => <Live w={w} />}</ForAdmins>;
}
