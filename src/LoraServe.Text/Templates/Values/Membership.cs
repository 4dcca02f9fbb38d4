namespace LoraServe.Text.Templates.Values;

/// <summary>The operator in.</summary>
internal static class Membership
{
    public static bool Contains(Rendering rendering, object item, object container)
    {
        switch (container)
        {
            case string text when item is string part:
                return Search.IndexOf(rendering, text, part, 0) >= 0;
            case string when item is Undefined undefined:
                throw undefined.Exception();
            case string:
                throw new ChatTemplateException($"'in <string>' requires string as left operand, not {TypeName.Of(item)}");
            case DictValue dict:
                return dict.Contains(Equality.Key(rendering, item));
            case DictView { Shows: DictView.Part.Keys } view:
                return view.Dict.Contains(Equality.Key(rendering, item));
            case SequenceValue or DictView or Generator or Undefined:
                foreach (var candidate in Iteration.Of(rendering, container))
                {
                    rendering.Step();
                    if (ReferenceEquals(candidate, item) || Equality.Of(rendering, candidate, item)) return true;
                }

                return false;
            default:
                throw new ChatTemplateException($"argument of type '{TypeName.Of(container)}' is not iterable");
        }
    }
}
