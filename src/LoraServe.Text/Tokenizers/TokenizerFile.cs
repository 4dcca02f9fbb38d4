using System.Text.Json;
using LoraServe.Text.Files;
using LoraServe.Text.Tokenizers.Decoding;
using LoraServe.Text.Tokenizers.Normalization;
using LoraServe.Text.Tokenizers.PreTokenization;

namespace LoraServe.Text.Tokenizers;

/// <summary>
/// Reads tokenizer.json, the file format of Hugging Face tokenizers. The fields "truncation" and "padding" concern callers
/// that encode batches and are not read.
/// </summary>
internal sealed class TokenizerFile
{
    private const long MaxSize = 512L << 20;
    private const int PointerBytes = 64;

    private readonly List<string> _faults = [];

    private TokenizerFile(JsonField root)
    {
        Model = Section(() => new BytePairEncoding(root["model"]));
        Normalizer = Section(() => root.Optional("normalizer") is { } field ? NormalizerReader.Read(field) : text => text);
        PreTokenizer = Section(() => root.Optional("pre_tokenizer") is { } field ? PreTokenizer.Read(field) : null);
        PostProcessor = Section(() => root.Optional("post_processor") is { } field ? PostProcessor.Read(field) : PostProcessor.None);
        Decoder = Section(() => root.Optional("decoder") is { } field ? Decoder.Read(field) : new SpaceDecoder());
        AddedTokens = Section<IReadOnlyList<AddedToken>>(() => root.Optional("added_tokens") is { } field
            ? [.. field.Items().Select(AddedToken.Read).Where(token => token.Content.Length > 0)]
            : []);
    }

    public BytePairEncoding Model { get; }

    public Normalizer Normalizer { get; }

    /// <summary>Null if texts are encoded as a whole.</summary>
    public PreTokenizer? PreTokenizer { get; }

    public PostProcessor PostProcessor { get; }

    public Decoder Decoder { get; }

    public IReadOnlyList<AddedToken> AddedTokens { get; }

    /// <exception cref="InvalidTokenizerException">the file cannot be used; the message names every field at fault</exception>
    /// <exception cref="IOException">the file cannot be read</exception>
    public static TokenizerFile Read(string path)
    {
        if (new FileInfo(path).Length > MaxSize) throw new InvalidTokenizerException($"{path} is larger than {MaxSize >> 20} MiB");
        using var stream = RegularFile.Open(path);
        using var document = Parse(stream, path);
        var file = new TokenizerFile(new JsonField(document.RootElement, ""));
        var faults = file._faults.Distinct(StringComparer.Ordinal);
        return file._faults.Count == 0 ? file : throw new InvalidTokenizerException($"{path}: {string.Join("; ", faults)}");
    }

    private static JsonDocument Parse(Stream stream, string path)
    {
        Span<byte> beginning = stackalloc byte[PointerBytes];
        if (GitLfsPointer.Is(beginning[..stream.ReadAtLeast(beginning, PointerBytes, throwOnEndOfStream: false)]))
            throw new InvalidTokenizerException($"{path} is {GitLfsPointer.Fault}");
        stream.Position = 0;
        try
        {
            return JsonDocument.Parse(stream);
        }
        catch (JsonException fault)
        {
            throw new InvalidTokenizerException($"{path} is not valid JSON: {fault.Message}", fault);
        }
    }

    /// <summary>Reads one section; records its fault, so that the others are still checked.</summary>
    private T Section<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (FormatException fault)
        {
            _faults.Add(fault.Message);
        }
        catch (InvalidOperationException)
        {
            _faults.Add("a string is not valid Unicode (half of a surrogate pair)");
        }
        return default!;
    }
}
