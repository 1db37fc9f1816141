/** What the page does by itself: bars and clips at a quality, sorting, playing in step, maps when opened. */

export const script = `
const all=(selector,root=document)=>[...root.querySelectorAll(selector)],one=(id)=>document.getElementById(id);
const root=document.documentElement;
function choose(){
  const floor=Number(one('floor').value),best=new Map();
  one('floor-value').value=floor;
  for(const bar of all('#bars li')){
    const speed=Number(bar.dataset.speed),known=best.get(bar.dataset.method);
    if(Number(bar.dataset.psnr)>=floor&&!(known&&Number(known.dataset.speed)>=speed))best.set(bar.dataset.method,bar);
  }
  const rows=new Set([...best.values()].map((bar)=>bar.dataset.row));
  for(const bar of all('#bars li'))bar.hidden=!rows.has(bar.dataset.row);
  const every=one('every');
  for(const clip of all('#clips figure'))clip.hidden=!(every.checked||rows.has(clip.dataset.row)||'reference' in clip.dataset);
}
one('floor').addEventListener('input',choose);one('every')?.addEventListener('change',choose);choose();
for(const button of all('#rows thead button'))button.addEventListener('click',()=>{
  const head=button.closest('th'),down=head.getAttribute('aria-sort')!=='descending',body=document.querySelector('#rows tbody');
  for(const other of all('#rows thead th'))other.removeAttribute('aria-sort');
  head.setAttribute('aria-sort',down?'descending':'ascending');
  const value=(row)=>Number(row.children[button.dataset.column].dataset.value??NaN);
  const rank=(row)=>Number.isNaN(value(row))?-Infinity:value(row)*(down?1:-1);
  body.append(...all('tr',body).sort((a,b)=>rank(b)-rank(a)));
});
for(const item of all('.legend li')){
  const light=(on)=>{const chart=item.closest('.chart');chart.classList.toggle('faded',on);
    for(const curve of all('.curve',chart))curve.classList.toggle('on',on&&curve.dataset.method===item.dataset.method)};
  item.addEventListener('pointerenter',()=>light(true));item.addEventListener('pointerleave',()=>light(false));
}
const clips=all('.clip');
if(clips.length){
  const frames=Math.max(...clips.map((clip)=>Number(clip.dataset.frames))),fps=Number(clips[0].dataset.fps),slider=one('frame'),play=one('play');
  let playing=true,frame=0;slider.max=frames-1;
  const show=()=>{one('clips').style.setProperty('--frame',frame);slider.value=frame};
  setInterval(()=>{if(playing){frame=(frame+1)%frames;show()}},1000/fps);
  const pause=(on)=>{playing=!on;play.textContent=on?'play':'pause'};
  play.addEventListener('click',()=>pause(playing));
  slider.addEventListener('input',()=>{pause(true);frame=Number(slider.value);show()});
  one('difference').addEventListener('change',(event)=>one('clips').classList.toggle('differing',event.target.checked));
}
for(const details of all('#maps details'))details.addEventListener('toggle',async()=>{
  const place=details.querySelector('.map');
  if(!details.open||place.firstChild)return;
  const bytes=Uint8Array.from(atob(details.dataset.map),(character)=>character.charCodeAt(0));
  place.innerHTML=await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
});
`;
