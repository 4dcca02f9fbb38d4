using System.Numerics;

namespace LoraServe.Text.Templates.Values;

/// <summary>Python's truth value of a value.</summary>
internal static class Truth
{
    public static bool Of(object value) => value switch
    {
        bool flag => flag,
        string text => text.Length > 0,
        None or Undefined => false,
        long number => number != 0,
        double number => number != 0,
        BigInteger number => !number.IsZero,
        SequenceValue sequence => sequence.Count > 0,
        DictValue dict => dict.Count > 0,
        DictView view => view.Dict.Count > 0,
        _ => true,
    };
}
