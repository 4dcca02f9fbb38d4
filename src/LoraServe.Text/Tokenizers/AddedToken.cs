namespace LoraServe.Text.Tokenizers;

/// <summary>A token that is found in the text before the model sees it.</summary>
/// <param name="Id">its id</param>
/// <param name="Content">the text it stands for, not empty</param>
/// <param name="SingleWord">does not count inside a word</param>
/// <param name="StripsLeft">takes the white space before it along</param>
/// <param name="StripsRight">takes the white space behind it along</param>
/// <param name="IsNormalized">is looked for, normalized, in the normalized text rather than in the original</param>
/// <param name="IsSpecial">can be left out in decoding</param>
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
