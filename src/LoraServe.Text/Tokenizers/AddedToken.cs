namespace LoraServe.Text.Tokenizers;

/// <summary>A token that is matched in the text before pre-tokenization.</summary>
/// <param name="Id">its id</param>
/// <param name="Content">the text that it matches, not empty</param>
/// <param name="SingleWord">whether it is not matched inside a word</param>
/// <param name="StripsLeft">whether the match includes white space before it</param>
/// <param name="StripsRight">whether the match includes white space after it</param>
/// <param name="IsNormalized">whether its normalized content is matched in the normalized text rather than in the original</param>
/// <param name="IsSpecial">whether decoding can skip it</param>
internal sealed record AddedToken(
    int Id, string Content, bool SingleWord, bool StripsLeft, bool StripsRight, bool IsNormalized, bool IsSpecial)
{
    public static AddedToken Read(JsonField field) => new(
        field["id"].AsInt(Vocabulary.MaxId),
        field["content"].AsText(),
        field["single_word"].AsBool(),
        field["lstrip"].AsBool(),
        field["rstrip"].AsBool(),
        field["normalized"].AsBool(),
        field["special"].AsBool());
}
