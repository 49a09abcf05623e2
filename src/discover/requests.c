/*
 * The kinds of request that the embedded policy tells apart without any model, in the order in
 * which they are tried, and the signals that recognise them. Words are whole words in any script;
 * lists are short and specific on purpose: a miss goes to the middle model, which is no harm.
 */
#include "discover/discover_impl.h"

const struct sl_request_kind sl_request_kinds[] = {
    {"images",
     "a picture comes with it",
     100,
     SL_ROLE_VISION,
     false,
     "AND",
     {"conversation: has_image"}},
    {"long_context",
     "the conversation is too long for the smaller models",
     90,
     SL_ROLE_LONGEST,
     false,
     "AND",
     {"context: long_context"}},
    {"tools",
     "it offers tools, or an agent is in the middle of using them",
     80,
     SL_ROLE_LARGE,
     false,
     "OR",
     {"conversation: has_tools", "conversation: in_tool_loop"}},
    {"code",
     "source code, or a question about it",
     70,
     SL_ROLE_CODE,
     false,
     "OR",
     {"keyword: code_words", "structure: code_block", "structure: code_lines"}},
    {"mathematics",
     "a calculation, an equation or a proof",
     60,
     SL_ROLE_REASONING,
     true,
     "OR",
     {"keyword: math_words", "structure: formula"}},
    {"extraction",
     "it asks for data in a given shape",
     50,
     SL_ROLE_MIDDLE,
     false,
     "AND",
     {"keyword: extraction_verbs", "keyword: extraction_shapes"}},
    {"small_talk",
     "a greeting, thanks or another short courtesy",
     40,
     SL_ROLE_SMALL,
     false,
     "AND",
     {"keyword: small_talk_words", "structure: short_text"}},
    {"everything_else",
     "none of the kinds above was recognised",
     0,
     SL_ROLE_MIDDLE,
     false,
     NULL,
     {NULL}},
    {.decision = NULL},
};

const char sl_request_signals[] =
    "    keywords:\n"
    "      - name: code_words\n"
    "        operator: OR\n"
    "        keywords: [python, javascript, typescript, golang, java, kotlin, haskell, fortran,\n"
    "                   C++, 'C#', rustc, bash, sql, regex, dockerfile, kubernetes, makefile,\n"
    "                   compiler, segfault, traceback, stack trace, null pointer, memory leak,\n"
    "                   unit test, refactor, debug, pull request, code review, merge conflict,\n"
    "                   write a function, write a program, write a script, source code, programm,\n"
    "                   quellcode, código fuente, code source, исходный код, 代码, コード]\n"
    "      - name: math_words\n"
    "        operator: OR\n"
    "        keywords: [integral, derivative, equation, eigenvalue, eigenvector, theorem, lemma,\n"
    "                   prove that, proof, polynomial, logarithm, factorial, square root, modulo,\n"
    "                   probability, standard deviation, prime number, prime numbers, geometry,\n"
    "                   trigonometry, calculus, algebra, solve for, how many ways, gleichung,\n"
    "                   ableitung, ecuación, derivada, équation, dérivée, уравнение, интеграл,\n"
    "                   方程, 积分, 证明, 方程式]\n"
    "      - name: extraction_verbs\n"
    "        operator: OR\n"
    "        keywords: [extract, parse, convert, classify, fill in, pull out, return, output,\n"
    "                   respond, list, tag, extrahiere, extrae, extrais, извлеки, 提取, 抽出]\n"
    "      - name: extraction_shapes\n"
    "        operator: OR\n"
    "        keywords: [json, csv, yaml, xml, schema, table, key-value, fields, spreadsheet,\n"
    "                   tabelle, tabla, tableau, таблица, 表格]\n"
    "      - name: small_talk_words\n"
    "        operator: OR\n"
    "        keywords: [hi, hello, hey, good morning, good evening, how are you, thanks,\n"
    "                   thank you, bye, goodbye, see you, nice to meet you, what's up,\n"
    "                   hallo, guten morgen, guten tag, wie geht's, wie geht es dir, danke,\n"
    "                   hola, buenos días, qué tal, cómo estás, gracias, bonjour, salut, ça va,\n"
    "                   merci, ciao, buongiorno, come stai, grazie, olá, bom dia, obrigado,\n"
    "                   привет, как дела, спасибо, merhaba, teşekkürler, 你好, 谢谢, こんにちは,\n"
    "                   ありがとう, 안녕하세요, 감사합니다, مرحبا, شكرا, नमस्ते]\n"
    "    structure:\n"
    "      - name: code_block\n"
    "        feature: {type: exists, source: {type: regex, pattern: '```'}}\n"
    "      - name: code_lines\n"
    "        feature:\n"
    "          type: count\n"
    "          source:\n"
    "            type: regex\n"
    "            pattern: '(?m)(^\\s*(def|class|import|from|return|func|fn|#include|public|private|"
    "SELECT) \\S)|([;{}]\\s*$)'\n"
    "        predicate: {gte: 2}\n"
    "      - name: formula\n"
    "        feature:\n"
    "          type: exists\n"
    "          source:\n"
    "            type: regex\n"
    "            pattern: "
    "'\\d\\s*[+*^×÷]\\s*\\d|\\d\\s*=\\s*[\\d?x]|[a-z]\\^\\d|\\\\(frac|int|sum|sqrt)\\b|"
    "[∫∑√∂∀∃]'\n"
    "      - name: short_text\n"
    "        feature: {type: count, source: {type: text_bytes}}\n"
    "        predicate: {lte: 120}\n"
    "    conversation:\n"
    "      - name: has_image\n"
    "        feature: {type: exists, source: {type: image_content}}\n"
    "      - name: has_tools\n"
    "        feature: {type: exists, source: {type: tool_definition}}\n"
    "      - name: in_tool_loop\n"
    "        feature: {type: exists, source: {type: active_tool_loop}}\n";
