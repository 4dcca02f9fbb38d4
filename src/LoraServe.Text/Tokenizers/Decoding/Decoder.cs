using LoraServe.Text.Tokenizers.Patterns;
using LoraServe.Text.Tokenizers.PreTokenization;

namespace LoraServe.Text.Tokenizers.Decoding;

/// <summary>Turns tokens back into text. Immutable; <see cref="Start"/> makes the state for one sequence of tokens.</summary>
internal abstract class Decoder
{
    private const string Supported = "Sequence, ByteLevel, ByteFallback, Fuse, Replace, Strip, Metaspace or BPEDecoder";

    /// <param name="next">the step that receives the result</param>
    public abstract DecoderStep Start(DecoderStep next);

    /// <summary>The bytes of a token if this decoder maps tokens to bytes, else null.</summary>
    public virtual byte[]? Bytes(string token) => null;

    /// <exception cref="FormatException">a field is missing, of a wrong type or not supported</exception>
    public static Decoder Read(JsonField field) => field.Type switch
    {
        "Sequence" => new Sequence([.. field["decoders"].Items().Select(Read)]),
        "ByteLevel" => new ByteLevelDecoder(),
        "ByteFallback" => new ByteFallbackDecoder(),
        "Fuse" => new FuseDecoder(),
        "Replace" => new ReplaceDecoder(PatternReader.Read(field["pattern"]), field["content"].AsText()),
        "Strip" => new StripDecoder(field["content"].AsCharacter(), field["start"].AsInt(), field["stop"].AsInt()),
        "Metaspace" => new MetaspaceDecoder(field["replacement"].AsCharacter(), MetaspacePreTokenizer.ReadScheme(field)),
        "BPEDecoder" => new WordSuffixDecoder(field["suffix"].AsText()),
        _ => throw field["type"].Expected(Supported),
    };

    private sealed class Sequence(IReadOnlyList<Decoder> decoders) : Decoder
    {
        public override DecoderStep Start(DecoderStep next) =>
            decoders.Reverse().Aggregate(next, (following, decoder) => decoder.Start(following));

        public override byte[]? Bytes(string token) =>
            decoders.Select(decoder => decoder.Bytes(token)).FirstOrDefault(bytes => bytes is not null);
    }
}
