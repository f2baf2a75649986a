"""Steps of a session as one page for a browser: page.html, page.css and page.js with the data of the steps within.

The page needs nothing but itself: no network, no other file. What it shows comes from the views where these have words
for it (walks, rules, deliveries), so that page and terminal say the same. What the guest or a file has named is data
in it, never markup: JSON in which no `<` stands, put into the page as text by page.js.

The data is an object of

    title, world    whose steps these are
    wanted          in the words of `trace` which steps were wanted, "" for all
    first, seen     the number of the first step that was looked at, and how many were
    source          [address, text] of each statement that was typed or loaded, in order of addresses
    registers       the names of the registers; behind them, as linear addresses, the tops of the stacks, "user" and
                    "kernel", and the "bottom" of the latter, where the TSS says that it begins
    start           their values before the first step; -1 where there is no such stack
    styles          the names of styles, which are classes of page.css
    rows            what was told of steps, each row once: [indent, style, text, style, text, ...]
    code            [address, bytes, row, label, executed] of each instruction, by address; `row` is as above
    labels          what is said of slots of the stacks
    steps           [number, code, given, changes, seen, written, rows] of each: 0 stands for an empty list
                      code     the index of its instruction
                      given    what the host, or steps that are not shown, did before it: register, value, ...
                      changes  what it did: register, value, ...
                      seen     memory that comes into sight on a stack: address, value, ... (-1: not mapped)
                      written  memory of the stacks that it changed: address, value, label, ...
                      rows     what is told of it
    events          [step, kind, text]: the indices of steps that delivered something; kind: fault, interrupt, shutdown
"""
