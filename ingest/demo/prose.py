"""Demonstration cases as running text: documents of typical cases, a web page, a news piece."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from html import escape

from docx import Document
from docx.oxml.ns import qn

from ingest.demo import load_article, load_cases
from ingest.demo.package import frozen
from ingest.demo.values import Case, day, hall, solidified, solidified_text

NUMERALS = "一二三四五六七八九十"


def news() -> bytes:
    """A news piece in plain text."""
    return load_article("liaocheng").encode()


def web_page() -> bytes:
    """A page of a hall's site: the cases between a menu, a sidebar and a footer."""
    sections = "\n".join(
        f"<h3>案例{NUMERALS[number]}：{escape(case['matter'])}</h3>\n"
        f"<p><strong>办理单位：</strong>{escape(hall(case))}{_taken(case)}</p>\n"
        f"<p><strong>群众诉求：</strong>{escape(case['demand'])}</p>\n"
        f"<p><strong>堵点：</strong>{escape(case['obstacle'])}。</p>\n"
        f"<p><strong>办理过程：</strong>{escape(case['measure'])}</p>\n"
        f"<p><strong>办理结果：</strong>{case['outcome']}。{escape(case['result'] + _lasting(case))}</p>\n"
        f"<p><strong>来源：</strong>{escape(case['source'])}</p>"
        for number, case in enumerate(load_cases("anhui_jiangxi"))
    )
    return (_PAGE.replace("{{案例}}", sections)).encode()


def _taken(case: Case) -> str:
    return f"　<strong>受理时间：</strong>{day(case['received'], 'cn')}" if case["received"] else ""


def _lasting(case: Case) -> str:
    return f"此后{solidified_text(case)}。" if solidified_text(case) else ""


_PAGE = """<!DOCTYPE html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<title>“办不成事”窗口案例选登_政务服务</title>
<style>body{font-family:sans-serif} .nav li{display:inline}</style>
<script>document.documentElement.className = "js";</script>
</head>
<body>
<div class="top">无障碍浏览 | 繁体 | 登录 | 注册</div>
<ul class="nav"><li><a href="/">首页</a></li><li><a href="/zwgk">政务公开</a></li>\
<li><a href="/bszn">办事指南</a></li><li><a href="/hdjl">互动交流</a></li></ul>
<div class="crumbs">您的位置：首页 &gt; 政务服务 &gt; 典型案例</div>
<article>
<h1>“办不成事”窗口案例选登</h1>
<p class="info">发布时间：2025-11-03　来源：政务服务中心　字号：大 中 小　浏览次数：318</p>
<p>现将近年来部分疑难事项的办理情况选登如下，供各窗口参考。</p>
{{案例}}
</article>
<div class="side"><h4>热门链接</h4><ul><li><a href="/a">社保查询</a></li><li><a href="/b">公积金查询</a></li>\
<li><a href="/c">预约取号</a></li></ul></div>
<div class="share">分享到：微信 微博 QQ空间　【打印本页】【关闭窗口】</div>
<div class="footer">主办：政务服务中心　网站地图 | 关于我们 | 联系我们</div>
</body>
</html>
"""


def write_up(name: str, title: str, headings: Sequence[str]) -> Callable[[], bytes]:
    """A renderer of a .docx of typical cases; headings: what was wanted, in the way, done, achieved."""

    def render() -> bytes:
        document = Document()
        fonts = document.styles["Normal"].element.get_or_add_rPr().get_or_add_rFonts()
        fonts.set(qn("w:eastAsia"), "宋体")
        document.add_heading(title, 0)
        document.add_paragraph("以下案例由有关大厅办理，供窗口人员学习参考。")
        for number, case in enumerate(load_cases(name)):
            document.add_heading(f"案例{NUMERALS[number]}　{case['matter']}", 1)
            parts = ([_opening(case)], [f"{case['obstacle']}。"], _done(case), _achieved(case))
            for heading, paragraphs in zip(headings, parts, strict=True):
                document.add_heading(heading, 2)
                for paragraph in paragraphs:
                    document.add_paragraph(paragraph)
            document.add_paragraph(f"来源：{case['source']}")
        buffer = io.BytesIO()
        document.save(buffer)
        return frozen(buffer.getvalue())

    return render


def _opening(case: Case) -> str:
    when = f"{day(case['received'], 'cn')}，" if case["received"] else ""
    return f"{when}{hall(case)}收到反映：{case['demand']}"


def _done(case: Case) -> list[str]:
    departments = "、".join([case["lead_dept"], *case["coop_depts"]])
    basis = [f"政策依据：{'；'.join(case['basis'])}。"] if case["basis"] else []
    return [case["measure"], f"办理部门：{departments}。", *basis]


def _achieved(case: Case) -> list[str]:
    lasting = [f"举一反三：{solidified(case)}。"] if solidified_text(case) else []
    return [f"办理结果：{case['outcome']}。{case['result']}", *lasting]
