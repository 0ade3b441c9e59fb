# meson-logs/testlog.json (an object a program) as one TAP stream with each single test of each program.
# A program without TAP is one test; one that broke off without a failed test is a failed test more.
.name as $name | .result as $result |
((.stdout // "") | split("\n")) as $out | ((.stderr // "") | split("\n")) as $err |
($out | map(select(test("^(not )?ok\\b")))) as $tests |
(if $tests | length > 0 then
	($tests[] | capture("^(?<verdict>(not )?ok) *[0-9]* *-? *(?<test>.*)") | "\(.verdict) - \($name): \(.test)"),
	if ($result == "OK") or ($result == "SKIP") or ($tests | any(startswith("not"))) then empty
	else "not ok - \($name): ended with \($result)" end
elif $result == "OK" then "ok - \($name)"
elif $result == "SKIP" then "ok - \($name) # SKIP \($out | map(capture("# *SKIP *(?<why>.*)").why) | first // "")"
else "not ok - \($name): \($result)" end),
if ($result == "OK") or ($result == "SKIP") then empty
else (($out + $err) | map(select(test("^(not )?ok\\b") | not)) | .[-25:][] | "#   " + .) end
