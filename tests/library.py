"""A small made-up library for tests of pages: every state, long and short, full and empty cases."""

from __future__ import annotations

from pathlib import Path

from kb.config import Settings, load
from kb.model import Case
from kb.store import Store

FULL = Case(
    id="aa11bb22cc33",
    source_no="BBC-2024-007",
    source={"file": "台账.xlsx", "sheet": "三月", "row": "7", "kind": "ledger", "url": "https://example.org/a?b=1&c=2"},
    sources=[{"file": "回访登记.xlsx", "sheet": "回访", "row": "12"}],
    hall={"code": "350121", "name": "闽侯县政务服务中心"},
    region={"province": "福建省", "city": "福州市", "county": "闽侯县", "code": "350121"},
    title="房产证楼栋号与银行备注不一致，商转公办不下来",
    domain="住房公积金",
    matter={"name": "商业贷款转公积金贷款", "code": "X-0012", "standard": "个人住房商业性贷款转公积金贷款"},
    applicant_type="个人",
    channel="窗口反映",
    nature="很难办",
    demand="想把商业贷款转成公积金贷款，跑了两趟都没有统一说法。",
    obstacle="房产证上写的楼栋号，银行贷款档案里是另一个，银行、不动产、公积金中心各说各的。",
    barriers=["信息不一致", "跨部门跨层级跨区域"],
    handling=["协调", "当场办结"],
    measure="专窗召集住建、公积金、不动产和银行当面会商，由住建出具楼栋号变更说明，公积金中心认可后预审。",
    steps=[
        {"date": "2024-03-04", "dept": "专窗", "action": "受理并联系四家单位"},
        {"date": "2024-03-06", "dept": "住建局", "action": "出具书面变更说明"},
    ],
    lead_dept="住房公积金管理中心",
    coop_depts=["住建局", "不动产登记中心"],
    basis=[
        {"title": "住房公积金管理条例", "doc_no": "国务院令第350号", "clause": "第二十六条", "valid": True},
        {"title": "旧的操作办法", "doc_no": "榕公积金〔2010〕1号", "clause": "", "valid": False},
    ],
    materials=["不动产权证书", "楼栋号变更说明"],
    outcome="办成",
    result="第三天通过预审，贷款已转。",
    solidified={"kind": "流程", "text": "楼栋号不一致由住建出说明，不再让群众跑银行。", "date": "2024-04-01"},
    received="2024-03-04",
    accepted="2024-03-04",
    closed="2024-03-07",
    working_days=3,
    followup="回访满意。",
    redactions=[
        {"kind": "姓名", "field": "demand", "count": 2},
        {"kind": "手机号", "field": "measure", "count": 1},
    ],
    confidence={"barriers": 0.82, "domain": 0.7},
    extra={"值班领导批示": "请继续跟进"},
)
TWIN = Case(
    id="aa11bb22cc44",
    hall={"code": "350100", "name": "福州市政务服务中心"},
    region={"province": "福建省", "city": "福州市", "code": "350100"},
    title="商转公楼栋号不一致",
    domain="住房公积金",
    obstacle="楼栋号前后不一致。",
    barriers=["信息不一致"],
    outcome="办成",
    closed="2024-03-08",
    duplicate_of=FULL.id,
)
REFUSED = Case(
    id="dd55ee66ff77",
    hall={"code": "430200", "name": "株洲市政务服务中心"},
    region={"province": "湖南省", "city": "株洲市", "county": "", "code": "430200"},
    title="未成年人要求单独办理营业执照",
    domain="市场监管",
    demand="十六岁的申请人想自己办理个体工商户执照。",
    obstacle="不符合主体资格条件。",
    barriers=["依法不能办", "资格条件限制"],
    measure="当面讲明规定，告知年满十八周岁后可办，并说明监护人代办的途径。",
    outcome="依法不能办已释因",
    received="2023-11-01",
    closed="2023-11-01",
    working_days=0,
)
BARE = Case(id="0000000000ee", demand="只有一句话的诉求")
EVIL_TEXT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
EVIL = Case(
    id="evil00000001",
    source_no=EVIL_TEXT,
    source={"file": EVIL_TEXT, "sheet": EVIL_TEXT, "row": EVIL_TEXT, "url": "javascript:alert(3)"},
    sources=[{"file": EVIL_TEXT, "sheet": EVIL_TEXT, "row": EVIL_TEXT}],
    hall={"code": EVIL_TEXT, "name": EVIL_TEXT},
    region={"province": EVIL_TEXT, "city": EVIL_TEXT, "county": EVIL_TEXT, "code": EVIL_TEXT},
    title=EVIL_TEXT,
    domain=EVIL_TEXT,
    matter={"name": EVIL_TEXT, "code": EVIL_TEXT, "standard": EVIL_TEXT + "x"},
    applicant_type=EVIL_TEXT,
    channel=EVIL_TEXT,
    nature=EVIL_TEXT,
    demand=EVIL_TEXT,
    obstacle=EVIL_TEXT,
    barriers=[EVIL_TEXT],
    handling=[EVIL_TEXT],
    measure=EVIL_TEXT,
    steps=[{"date": EVIL_TEXT, "dept": EVIL_TEXT, "action": EVIL_TEXT}],
    lead_dept=EVIL_TEXT,
    coop_depts=[EVIL_TEXT],
    basis=[{"title": EVIL_TEXT, "doc_no": EVIL_TEXT, "clause": EVIL_TEXT, "valid": True}],
    materials=[EVIL_TEXT],
    outcome=EVIL_TEXT,
    result=EVIL_TEXT,
    solidified={"kind": EVIL_TEXT, "text": EVIL_TEXT, "date": EVIL_TEXT},
    received=EVIL_TEXT,
    accepted=EVIL_TEXT,
    closed=EVIL_TEXT,
    followup=EVIL_TEXT,
    redactions=[{"kind": EVIL_TEXT, "field": EVIL_TEXT, "count": 1}],
    extra={EVIL_TEXT: EVIL_TEXT},
)
WITHDRAWN = Case(id="9999aaaa8888", title="撤下的案例标题", demand="撤下的诉求内容", outcome="办成")
CASES = [FULL, TWIN, REFUSED, BARE, EVIL, WITHDRAWN]


def without_model(folder: Path) -> Settings:
    """Settings of a new library in `folder` that needs no model, also where Datasette reads them by itself."""
    folder.mkdir()
    (folder / "kb.toml").write_text('[embedding]\nmodel = "fake"\n', "utf-8")
    return load(folder)


def fill(settings: Settings) -> Settings:
    """Publish `CASES` into the library of `settings` and withdraw one of them."""
    with Store(settings) as store:
        store.publish(CASES, by="测试")
        store.withdraw(WITHDRAWN.id, by="测试", reason="依据已废止")
    return settings
