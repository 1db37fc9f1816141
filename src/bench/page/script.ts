/**
 * What the page does by itself: bars and clips at a quality, sorting, playing in step, maps when opened.
 *
 * Videos are unpacked into their frames before they are shown: players of many videos drift apart, and the difference of two
 * clips must be that of the same frame.
 */

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
const figures=all('#clips figure');
if(figures.length){
  const {frames,fps}=figures[0].dataset,slider=one('frame'),play=one('play'),strips=new Map(),begun=new Set();
  const until=(video,event)=>new Promise((done)=>{video.addEventListener(event,done,{once:true});video.addEventListener('error',done,{once:true})});
  async function unpack(figure){
    const {source,frames,fps}=figure.dataset,{width,height}=figure.querySelector('canvas');
    const video=Object.assign(document.createElement('video'),{muted:true,preload:'auto',src:source}),strip=new OffscreenCanvas(width,height*frames);
    await until(video,'loadeddata');
    for(let i=0;i<frames&&!video.error;i++){
      video.currentTime=(i+.5)/fps;
      await until(video,'seeked');
      strip.getContext('2d').drawImage(video,0,i*height,width,height);
    }
    strips.set(figure,strip);show();
  }
  const next=()=>figures.find((figure)=>!(begun.has(figure)||figure.hidden));
  async function unpackAll(){for(let figure;figure=next();){begun.add(figure);await unpack(figure)}}
  let playing=true,frame=0;slider.max=frames-1;
  function show(){
    slider.value=frame;
    for(const scene of all('.clips')){
      const reference=strips.get(scene.querySelector('[data-reference]'));
      for(const figure of all('figure:not([hidden])',scene)){
        const canvas=figure.querySelector('canvas'),context=canvas.getContext('2d'),{width,height}=canvas;
        const draw=(strip,operation)=>{
          context.globalCompositeOperation=operation;
          if(strip)context.drawImage(strip,0,frame*height,width,height,0,0,width,height);
        };
        draw(strips.get(figure),'source-over');
        if(one('difference').checked)draw(reference,'difference');
      }
    }
  }
  setInterval(()=>{if(playing){frame=(frame+1)%frames;show()}},1000/fps);
  const pause=(on)=>{playing=!on;play.textContent=on?'play':'pause'};
  play.addEventListener('click',()=>pause(playing));
  slider.addEventListener('input',()=>{pause(true);frame=Number(slider.value);show()});
  one('difference').addEventListener('change',(event)=>{one('clips').classList.toggle('differing',event.target.checked);show()});
  const unpackShown=()=>{for(let lane=0;lane<4;lane++)unpackAll()};
  one('floor').addEventListener('input',unpackShown);one('every').addEventListener('change',unpackShown);
  unpackShown();
}
for(const details of all('#maps details'))details.addEventListener('toggle',async()=>{
  const place=details.querySelector('.map');
  if(!details.open||place.firstChild)return;
  const bytes=Uint8Array.from(atob(details.dataset.map),(character)=>character.charCodeAt(0));
  place.innerHTML=await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
});
`;
