/** How the page looks: one column, wide things scroll in themselves, light and dark as the reader's system is. */

export const styles = `
:root{color-scheme:light dark;--ground:light-dark(#fbfaf8,#15171a);--ink:light-dark(#1c1e21,#e8e6e1);--soft:light-dark(#65686d,#9a9da3);--line:light-dark(#dddad3,#33373d);--card:light-dark(#fff,#1d2024);--ours:light-dark(#c2410c,#ff8a4c);--peer:light-dark(#5b7fa6,#6f96c0);--steps:light-dark(#8a8a8a,#8d8d8d);--bits:light-dark(#3f8f6b,#57b389)}
*{box-sizing:border-box}body{margin:0 auto;padding:1.2rem clamp(.8rem,3vw,2rem) 4rem;max-width:78rem;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1,h3{overflow-wrap:anywhere}h1{font-size:1.6rem;margin:.2rem 0}h2{font-size:1.2rem;margin:2.4rem 0 .6rem}h3{font-size:1rem;margin:1.4rem 0 .5rem;font-weight:600}
p{max-width:70ch}code{font:.87em ui-monospace,monospace;overflow-wrap:anywhere}small{color:var(--soft)}
pre{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.6rem .8rem;white-space:pre-wrap;overflow-wrap:anywhere;margin:.5rem 0}.option{white-space:nowrap}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:.8rem 0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.warning{border-left:4px solid var(--ours);padding:.4rem .8rem;background:var(--card)}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:6px;background:var(--card)}.tall{overflow-y:auto;max-height:85vh}
table{border-collapse:separate;border-spacing:0;font-variant-numeric:tabular-nums;white-space:nowrap}
th,td{padding:.32rem .6rem;text-align:right;border-bottom:1px solid var(--line);font-weight:400}thead th{position:sticky;top:0;background:var(--card);vertical-align:bottom;white-space:normal;min-width:4.4rem;z-index:2}
th.name{text-align:left;position:sticky;left:0;background:var(--card);z-index:1;min-width:21rem;max-width:26rem;padding-left:2.6rem;line-height:1.35;white-space:normal;border-right:1px solid var(--line)}thead th.name{z-index:3}
thead button{all:unset;cursor:pointer;color:var(--soft);font-size:.85em;line-height:1.2}thead button:hover,thead [aria-sort] button{color:var(--ink);text-decoration:underline}
.rank{position:absolute;left:.6rem;color:var(--soft)}.tag{font-size:.72rem;color:var(--soft);border:1px solid var(--line);border-radius:9px;padding:0 .45rem;white-space:nowrap}.tag.warn{color:var(--ours);border-color:currentColor}
tr.quantcache code{color:var(--ours);font-weight:600}tr.fewer-steps th,tr.full th{font-style:italic}.own{text-align:left;white-space:normal;min-width:11rem}.own code{color:var(--ours)}tr.behind td:last-child{color:var(--ours);font-weight:600}.equal th.name{padding-left:.6rem}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr));gap:1rem}figure{margin:0}
.chart{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.7rem}.chart figcaption{font-weight:600}svg{display:block;width:100%;height:auto}
.chart text{fill:var(--soft);font:13px system-ui,sans-serif}.chart line{stroke:var(--line)}.curve polyline{fill:none;stroke:var(--colour);stroke-width:1.5}.curve circle{fill:var(--colour)}.curve.ours polyline{stroke-width:4}.curve.ours circle{r:7px}
.faded .curve:not(.on){opacity:.12}.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem .9rem;margin:.4rem 0 0;padding:0;font-size:.82rem}.legend li{cursor:pointer}.legend li::before{content:"";display:inline-block;width:.7em;height:.7em;border-radius:50%;background:var(--colour);margin-right:.35em}
.floor{display:block}.floor input{width:min(100%,22rem);display:block}#bars{list-style:none;margin:.8rem 0;padding:0;display:grid;gap:.3rem}#bars li{display:grid;grid-template-columns:minmax(10rem,19rem) 1fr;gap:.8rem;align-items:center}#bars li[hidden]{display:none}
.who code{display:block;color:var(--soft);font-size:.75rem;line-height:1.25}.bar{display:flex;align-items:center;gap:.5rem;min-width:0}.bar i{flex:none;height:1.5rem;border-radius:3px;background:var(--peer);width:calc((100% - 13rem)*var(--share))}.bar>span{min-width:0}.bar small{white-space:nowrap}
.quantcache .bar i{background:var(--ours)}.fewer-steps .bar i,.full .bar i{background:var(--steps)}.quantization .bar i{background:var(--bits)}.simulated .bar i{background:repeating-linear-gradient(45deg,var(--line) 0 6px,transparent 6px 12px)!important;outline:1px dashed var(--soft)}
.controls{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center;position:sticky;top:0;background:var(--ground);padding:.4rem 0;z-index:2;max-width:none}.controls button{font:inherit;min-width:4.5rem}
.clips{display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:.8rem}.clips figure[hidden]{display:none}.clips canvas{display:block;width:100%;border-radius:4px;background:#000;image-rendering:pixelated}.differing canvas{filter:brightness(4)}
.clips figcaption{font-size:.85rem;line-height:1.3}.clips figcaption code{display:block}[data-reference] figcaption{font-weight:600}
details{border-bottom:1px solid var(--line);padding:.25rem 0}summary{cursor:pointer}.map{background:#fff;margin:.5rem 0}.map svg{width:auto;max-width:none}
@media (max-width:600px){body{font-size:14px}.chart text{font-size:20px}.curve circle{r:8px}.curve.ours circle{r:10px}.curve.ours polyline{stroke-width:6}th,td{padding:.3rem .4rem}thead th{min-width:3.8rem}#bars li{grid-template-columns:1fr;gap:.1rem}.clips{grid-template-columns:repeat(2,1fr)}th.name{min-width:10.5rem;max-width:10.5rem;padding-left:1.9rem;font-size:.85em}.rank{left:.45rem}dl{grid-template-columns:1fr}dt{margin-top:.3rem}}
@media print{.controls,.floor input{display:none}.tall{max-height:none}}
`;
