#!/usr/bin/python3
"""HTML reports in headless Chromium: nothing is refused or loaded from elsewhere, nothing stands
beyond the page's edge, and what the scripts add works. Pictures are left in BUILD/browser."""

import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "core"),
                os.path.join(HERE, "..", "cli")]
import chromium
import cli
import realcore
import tap

PICTURES = os.path.join(tap.BUILD, "browser")
MAX_SIZE = 2 * 1000 * 1000
NAMES = ["<script>alert(1)</script>", "'><img src=x onerror=alert(1)>", "</svg></title><b>",
         "' onclick='alert(1)", "]]>--><h1>"]


def write(name, core, *arguments):
    """The report of the core as NAME.html."""
    path = name + ".html"
    code, out, err = cli.run("-o", path, *arguments, core)
    tap.check("%s.html is written" % name, code in (0, 1) and (out, err) == ("", ""), err)
    return path


def sample(name, arguments, threads):
    try:
        return realcore.make_core(realcore.build(name), arguments, threads=threads)
    except realcore.CannotDump as reason:
        tap.skip("the report of " + name, str(reason))
        return None


def hostile():
    """A core of a program whose functions are called like markup."""
    with open("hostile.c", "w", encoding="ascii") as file:
        file.write("#include <stdio.h>\n#include <unistd.h>\nint step(int n);\n")
        for i, name in enumerate(NAMES):
            file.write('int f%d(int n) __asm__("\\"%s\\"");\n' % (i, name))
            file.write("__attribute__((noinline)) int f%d(int n)\n{\n\tint r = %s(n + 1);\n"
                       "\t__asm__ volatile(\"\");\n\treturn r + 1;\n}\n" % (
                           i, "f%d" % (i - 1) if i else "step"))
        file.write("__attribute__((noinline)) int step(int n)\n{\n\tpause();\n\treturn n;\n}\n"
                   'int main(void)\n{\n\tputs("ready");\n\tfflush(stdout);\n'
                   "\treturn f%d(0);\n}\n" % (len(NAMES) - 1))
    code, _, err = tap.run(["gcc", "-O1", "-fno-optimize-sibling-calls", "-Wall", "hostile.c",
                            "-o", "hostile"])
    if not tap.check("the hostile program compiles", code == 0, err):
        return None
    try:
        return realcore.make_core(os.path.abspath("hostile"))
    except realcore.CannotDump as reason:
        tap.skip("the report of hostile names", str(reason))
        return None


def opened(browser, path):
    """Every way to look at the page."""
    url = "file://" + os.path.abspath(path)
    for width in (400, 1200):
        for scripts in (True, False):
            for dark in (False, True):
                name = "%s at %d pixels%s%s" % (path, width, "" if scripts else ", no scripts",
                                                ", dark" if dark else "")
                page = browser.page(path, width, scripts=scripts, dark=dark)
                tap.equal(name + ": nothing is refused, nothing fails", page.complaints(), [])
                tap.equal(name + ": nothing else is loaded", page.requests(), [url])
                if scripts:
                    page.run("document.querySelectorAll('details').forEach(d => d.open = true)")
                tap.check(name + ": nothing beyond the edge", page.size()[0] <= width,
                          str(page.size()))
                page.picture(os.path.join(PICTURES, "%s-%d%s%s.png" % (
                    path, width, "" if scripts else "-plain", "-dark" if dark else "")))
                page.close()


def without_scripts(browser, path):
    page = browser.page(path, 1200, scripts=False)
    tap.check(path + " prints", page.printed().startswith(b"%PDF"))
    page.close()


def many_dumps(pages):
    """The pages of a check of all, and of a comparison: {name of a page}."""
    cores = [core for core in pages.values() if core]
    for name, arguments in (("check", ["check"]), ("compare", ["compare"])):
        path = name + ".html"
        code, _, err = cli.run(*arguments, "-q", "-o", path, *cores)
        tap.check("%s is written" % path, code in (0, 1) and err == "", err)
    return ["check.html", "compare.html"]


def charted(browser, path):
    """The chart is there, inside of its frame, without scripts too, and its words do not shrink."""
    for width in (400, 1200):
        page = browser.page(path, width)
        tap.equal("%s at %d pixels: a chart with all points in sight" % (path, width), page.run(
            "(() => { const s = document.querySelector('svg.chart').getBoundingClientRect();"
            "const c = [...document.querySelectorAll('svg.chart circle')].map("
            "  n => n.getBoundingClientRect());"
            "return [c.length > 3, c.every(b => b.left >= s.left && b.right <= s.right"
            "  && b.top >= s.top && b.bottom <= s.bottom)]; })()"), [True, True])
        tap.check("%s at %d pixels: words of 10 pixels at least" % (path, width), page.run(
            "[...document.querySelectorAll('svg.chart text')].every("
            "  t => t.getBoundingClientRect().height >= 10)"))
        page.close()


def searched(browser, path):
    page = browser.page(path, 1200)
    before = page.run("document.querySelectorAll('tbody tr:not([hidden])').length")
    page.run("(() => { const s = document.querySelector('input[type=search]');"
             "s.value = 'LOCK_account'; s.dispatchEvent(new Event('input')); })()")
    rows = page.run("[...document.querySelectorAll('tbody tr:not([hidden])')]"
                    ".map(r => r.textContent)")
    tap.check("a search leaves what it finds",
              before > 1 and len(rows) == 1 and "lock_account" in rows[0], str(rows)[:300])
    tap.check("... and says how many", page.run("document.querySelector('.count').textContent")
              == "1 of %d groups" % before)
    page.run("document.querySelector('.tools button').click()")
    tap.equal("the button opens the stacks that are left",
              page.run("[document.querySelectorAll('tbody details[open]').length,"
                       " document.querySelectorAll('tbody tr[hidden] details[open]').length]"),
              [1, 0])
    zoomed = page.run(
        "(() => { const f = [...document.querySelectorAll('svg.f')].find("
        "  n => n.querySelector('title').textContent.startsWith('transfer ·'));"
        "f.dispatchEvent(new MouseEvent('click')); return f.getAttribute('width'); })()")
    tap.equal("a click makes a frame as wide as the graph", zoomed, "100%")
    page.close()


def names_stay_names(browser, path):
    page = browser.page(path, 1200)
    tap.equal("no name has become an element", page.run(
        "[document.scripts.length, document.images.length, document.querySelectorAll('b').length,"
        " document.querySelectorAll('[onclick],[onerror]').length,"
        " document.querySelectorAll('h1').length]"), [1, 0, 0, 0, 1])
    tap.check("they are all there as text", page.run(
        "['<script>alert(1)', 'onerror=alert(1)', '</title><b>', '--><h1>'].every("
        "  name => document.querySelector('ol.frames').textContent.includes(name))"))
    page.close()


def circle(browser, path):
    page = browser.page(path, 1200)
    tap.equal("the circle is drawn: two threads, two mutexes, four red arrows", page.run(
        "[document.querySelectorAll('svg.graph .n.stuck:not(.object)').length,"
        " document.querySelectorAll('svg.graph .n.object.stuck').length,"
        " document.querySelectorAll('svg.graph > path.stuck').length]"), [2, 2, 4])
    tap.equal("the verdict is the first thing to read", page.run(
        "document.body.innerText.trim().split('\\n')[0]"), "PROVED")
    tap.equal("no box is drawn over another, and every line fits into its box", page.run(
        "(() => { const boxes = [...document.querySelectorAll('svg.graph .n')].map("
        "  g => [g.querySelector('rect').getBBox(), [...g.querySelectorAll('text')].map("
        "    t => t.getBBox())]);"
        "let bad = 0; boxes.forEach(([a, texts], i) => { texts.forEach(t => {"
        "  if (t.x < a.x || t.x + t.width > a.x + a.width) bad++; });"
        "  boxes.slice(i + 1).forEach(([b]) => { if (a.x < b.x + b.width && b.x < a.x + a.width"
        "    && a.y < b.y + b.height && b.y < a.y + a.height) bad++; }); });"
        "return bad; })()"), 0)
    page.close()


with cli.Scratch():
    if not shutil.which("chromium"):
        tap.skip("HTML reports in a browser", "there is no chromium")
        tap.done()
    os.makedirs(PICTURES, exist_ok=True)
    PAGES = {"plain": cli.core()}
    PAGES["deadlock"] = sample("ab_ba", realcore.expected_words("ab_ba", "args"), 3)
    PAGES["many"] = sample("many_stacks", ["9999"], 10000)
    PAGES["hostile"] = hostile()
    with chromium.Chromium() as BROWSER:
        for NAME, CORE in PAGES.items():
            if CORE is None:
                continue
            PATH = write(NAME, CORE, "--source-url", "https://code.example/{file}#L{line}",
                         "--threshold", "2")
            tap.check(PATH + " has less than 2 MB", os.path.getsize(PATH) < MAX_SIZE)
            opened(BROWSER, PATH)
            without_scripts(BROWSER, PATH)
        for PATH in many_dumps(PAGES):
            tap.check(PATH + " has less than 2 MB", os.path.getsize(PATH) < MAX_SIZE)
            opened(BROWSER, PATH)
            without_scripts(BROWSER, PATH)
        charted(BROWSER, "compare.html")
        if PAGES["deadlock"]:
            searched(BROWSER, "deadlock.html")
            circle(BROWSER, "deadlock.html")
        if PAGES["hostile"]:
            names_stay_names(BROWSER, "hostile.html")
tap.done()
